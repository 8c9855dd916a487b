#include "plugins/plugin_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/mutant.hpp"
#include "plugins/errc.hpp"
#include "plugins/kept_rows.hpp"

namespace dsf::plugins {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr std::size_t kept_limit = 32u << 20;

std::string process_name(const bundle_process& p) { return p.definition->key + "|" + p.definition->version_tag; }

// 1.0.10.0 is newer than 1.0.9.0.
bool newer(std::string_view a, std::string_view b) {
  const auto next = [](std::string_view& s) {
    const auto end = std::min(s.find('.'), s.size());
    long n = 0;
    for (const char c : s.substr(0, end)) n = n * 10 + (c - '0');
    s.remove_prefix(std::min(end + 1, s.size()));
    return n;
  };
  while (!a.empty() || !b.empty()) {
    const auto x = next(a), y = next(b);
    if (x != y) return x > y;
  }
  return false;
}

std::vector<std::string> lines_of(const std::vector<bundle_fault>& faults) {
  std::vector<std::string> out;
  for (const auto& f : faults) out.push_back(f.line());
  return out;
}

std::string all_of(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& l : lines) out += (out.empty() ? "" : "\n") + l;
  return out;
}

}  // namespace

std::vector<std::shared_ptr<const worker_grant>> plugin_set::grants(std::string_view process_key, std::string_view version_tag) const {
  std::vector<std::shared_ptr<const worker_grant>> out;
  const std::lock_guard lock{mutex_};
  for (const auto& p : plugins_)
    for (const auto& process : p->content.processes)
      if (process.definition->key == process_key && (version_tag.empty() || process.definition->version_tag == version_tag)) {
        out.push_back(grant_of(p->content));
        break;
      }
  return out;
}

plugin_set::plugin_set(plugin_set_options options, storage::store& store, actors::definitions& definitions, const base::logger& log,
                       const base::clock& time)
    : options_(std::move(options)), store_(store), definitions_(definitions), log_(log), clock_(time) {}

void plugin_set::quarantine(const bundle& b, bool by_operator, std::vector<std::string> reasons) {
  log_.error("plugins", "a bundle was not deployed", {},
             {{"folder", b.source}, {"bundle", b.name}, {"version", b.version}, {"error", all_of(reasons)}});
  plugin_line line{b.name, b.version, b.source, by_operator, {}, std::move(reasons), {}, clock_.now()};
  for (const auto& p : b.processes) line.processes.push_back({process_name(p), {}, {}});
  const std::lock_guard lock{mutex_};
  std::erase_if(quarantine_, [&](const auto& q) { return q.source == line.source; });
  quarantine_.push_back(std::move(line));
}

void plugin_set::load(const bundle_files& files, bool by_operator, std::vector<std::shared_ptr<loaded>>& into) {
  auto reading = read_bundle(files, options_.context);
  for (const auto& w : reading.warnings)
    log_.warning("plugins", "a bundle will not do all that it means to", {}, {{"bundle", reading.content.name}, {"warning", w.line()}});
  if (!reading.ok()) return quarantine(reading.content, by_operator, lines_of(reading.faults));
  into.push_back(std::make_shared<loaded>(loaded{std::move(reading.content), by_operator, clock_.now(), lines_of(reading.warnings)}));
}

// One of each name and resource version, the newest; each process once (docs/decisions/plugin-states.md).
void plugin_set::choose(std::vector<std::shared_ptr<loaded>>& from) {
  std::map<std::string, std::shared_ptr<loaded>> best;
  for (const auto& p : from) {
    auto& b = best[identity(p->content)];
    if (!b || newer(p->content.version, b->content.version)) b = p;
  }
  std::map<std::string, std::string> owner;
  std::vector<std::shared_ptr<loaded>> chosen;
  for (auto& p : from) {
    auto& b = p->content;
    if (const auto& winner = best.at(identity(b)); winner != p) {
      quarantine(
          b, p->by_operator,
          {fmt::format("{} {} from {} is taken instead; remove one of them", b.name, winner->content.version, winner->content.source)});
      continue;
    }
    std::vector<std::string> doubled;
    for (const auto& process : b.processes)
      if (const auto at = owner.find(process_name(process)); at != owner.end())
        doubled.push_back(fmt::format("process {} is {}'s; give it another key, or remove one of the plugins", at->first, at->second));
    if (doubled.size() == b.processes.size()) {
      quarantine(b, p->by_operator, std::move(doubled));
      continue;
    }
    std::erase_if(b.processes, [&](const auto& process) { return owner.contains(process_name(process)); });
    for (auto& line : doubled) {
      log_.warning("plugins", "a process stands in two bundles", {}, {{"bundle", b.name}, {"warning", line}});
      p->warnings.push_back(std::move(line));
    }
    for (const auto& process : b.processes) owner[process_name(process)] = b.name;
    chosen.push_back(std::move(p));
  }
  from = std::move(chosen);
}

result<applied> plugin_set::apply_to(const std::vector<std::shared_ptr<loaded>>& plugins, bool with_endpoint) {
  std::vector<const bundle*> bundles;
  for (const auto& p : plugins) bundles.push_back(&p->content);
  const auto endpoint = with_endpoint ? options_.endpoint() : nullptr;
  return apply(bundles, true, options_.settings, {store_, definitions_, endpoint.get(), log_});
}

result<applied> plugin_set::apply_all(const std::vector<std::shared_ptr<loaded>>& plugins) {
  if (!options_.connected) return apply_to(plugins, true);
  if (options_.connected()) {
    auto done = apply_to(plugins, true);
    if (done) {
      waiting_ = false;
      return done;
    }
    log_.warning("plugins", "resources wait for the endpoint", {}, {{"error", done.error().to_string()}});
  }
  waiting_ = true;
  return apply_to(plugins, false);
}

// What the endpoint refused goes into quarantine, the others are the site's plugins.
void plugin_set::take(std::vector<std::shared_ptr<loaded>> plugins, applied done) {
  for (const auto& p : plugins)
    if (const auto at = done.refused.find(&p->content); at != done.refused.end()) quarantine(p->content, p->by_operator, at->second);
  refused_.clear();
  if (options_.connected)
    std::ranges::copy_if(plugins, std::back_inserter(refused_), [&](const auto& p) { return done.refused.contains(&p->content); });
  std::erase_if(plugins, [&](const auto& p) { return done.refused.contains(&p->content); });
  const std::lock_guard lock{mutex_};
  for (const auto& p : plugins) std::erase_if(quarantine_, [&](const auto& q) { return q.source == p->content.source; });
  plugins_ = std::move(plugins);
  states_ = std::move(done.processes);
}

result<> plugin_set::bring_waiting() {
  const std::lock_guard change{changes_};
  if (!waiting_ && (refused_.empty() || DSF_MUTANT("plugins.refusal_is_final"))) return {};
  auto all = plugins_;
  for (const auto& r : refused_) {
    // Another one has its place meanwhile.
    const bool taken = std::ranges::any_of(plugins_, [&](const auto& p) {
      return identity(p->content) == identity(r->content) || std::ranges::any_of(p->content.processes, [&](const auto& theirs) {
               return std::ranges::any_of(r->content.processes, [&](const auto& own) { return process_name(own) == process_name(theirs); });
             });
    });
    if (!taken) all.push_back(r);
  }
  auto done = TRY(apply_to(all, true));
  waiting_ = false;
  log_.info("plugins", "resources are at the endpoint", {},
            {{"resourcesWritten", static_cast<std::int64_t>(done.resources)},
             {"bundlesRefused", static_cast<std::int64_t>(done.refused.size())}});
  take(std::move(all), std::move(done));
  return {};
}

result<> plugin_set::start(const std::vector<std::string>& folders) {
  const std::lock_guard change{changes_};
  folders_ = folders;
  std::vector<std::shared_ptr<loaded>> found;
  for (const auto& folder : folders) {
    if (auto files = bundle_files::open(folder)) {
      load(*files, false, found);
    } else {
      bundle unknown;
      unknown.source = folder;
      quarantine(unknown, false, {files.error().to_string()});
    }
  }
  TRY(add_kept(found));
  choose(found);
  auto done = apply_all(found);
  if (!done) {
    // The site runs without them; what ran before goes on.
    for (const auto& p : found) quarantine(p->content, p->by_operator, {"it could not be deployed: " + done.error().to_string()});
    return {};
  }
  take(std::move(found), std::move(*done));
  for (const auto& p : plugins_)
    log_.info("plugins", "bundle deployed", {},
              {{"bundle", p->content.name},
               {"version", p->content.version},
               {"processes", static_cast<std::int64_t>(p->content.processes.size())},
               {"from", p->content.source}});
  return {};
}

result<> plugin_set::add_kept(std::vector<std::shared_ptr<loaded>>& into) {
  struct kept {
    std::int64_t since;
    std::string identity, source;
  };
  std::vector<kept> all;
  const auto view = store_.view();
  for (const auto& row : TRY(view->rows(storage::table::meta, kept_prefix, 10'000))) {
    const auto facts = TRY(json::parse(std::string_view(row.value).substr(1)));
    all.push_back({facts["since_us"].int_or(0), row.key.substr(kept_prefix.size()), facts["source"].str()});
  }
  // As they were deployed: of a process that two of them have, the first one stays the owner.
  std::ranges::sort(all, {}, &kept::since);
  for (const auto& k : all) {
    std::map<std::string, std::string> files;
    const auto prefix = std::string(file_prefix) + k.identity + "/";
    for (const auto& row : TRY(view->rows(storage::table::meta, prefix, 10'000)))
      files[row.key.substr(prefix.size())] = row.value.substr(1);
    load(bundle_files::in_memory(k.source, std::move(files)), true, into);
  }
  return {};
}

result<> plugin_set::keep(const bundle& b) {
  storage::commit c;
  const auto prefix = std::string(file_prefix) + identity(b) + "/";
  for (const auto& row : TRY(store_.view()->rows(storage::table::meta, prefix, 10'000)))
    if (!b.files.contains(row.key.substr(prefix.size()))) c.operations.push_back(storage::delete_row{storage::table::meta, row.key});
  for (const auto& [name, text] : b.files) c.operations.push_back(storage::put_row{storage::table::meta, prefix + name, "\1" + text});
  json facts;
  facts.set("source", b.source);
  facts.set("since_us", clock_.now().us);
  c.operations.push_back(storage::put_row{storage::table::meta, std::string(kept_prefix) + identity(b), "\1" + facts.dump()});
  TRY(store_.submit_wait(std::move(c)));
  return {};
}

result<> forget_kept(storage::store& store, const bundle& b) {
  storage::commit c;
  for (const auto& row : TRY(store.view()->rows(storage::table::meta, std::string(file_prefix) + identity(b) + "/", 10'000)))
    c.operations.push_back(storage::delete_row{storage::table::meta, row.key});
  c.operations.push_back(storage::delete_row{storage::table::meta, std::string(kept_prefix) + identity(b)});
  TRY(store.submit_wait(std::move(c)));
  return {};
}

result<deployment> plugin_set::deploy(const std::string& path, plugin_line& what) {
  const std::lock_guard change{changes_};
  what = {};
  what.source = path;
  const auto refuse = [&](const bundle& b, std::vector<std::string> reasons) -> base::failure {
    auto text = all_of(reasons);
    quarantine(b, true, std::move(reasons));
    return fail(errc::bad_bundle, std::move(text));
  };
  auto files = bundle_files::open(path);
  if (!files) {
    bundle unknown;
    unknown.source = path;
    return refuse(unknown, {files.error().to_string()});
  }
  auto reading = read_bundle(*files, options_.context);
  if (!reading.ok()) return refuse(reading.content, lines_of(reading.faults));
  const bool of_settings = std::ranges::find(folders_, path) != folders_.end();
  auto fresh = std::make_shared<loaded>(loaded{std::move(reading.content), !of_settings, clock_.now(), lines_of(reading.warnings)});
  const auto& b = fresh->content;
  what.name = b.name;
  what.version = b.version;
  what.warnings = fresh->warnings;

  std::vector<std::shared_ptr<loaded>> next;
  for (const auto& p : plugins_) {
    if (identity(p->content) == identity(b)) continue;  // the one before
    for (const auto& theirs : p->content.processes)
      for (const auto& own : b.processes)
        if (process_name(theirs) == process_name(own))
          return refuse(b,
                        {fmt::format("process {} is {}'s, which is deployed; give it another key or version, or deploy it under that name",
                                     process_name(own), p->content.name)});
    next.push_back(p);
  }
  next.push_back(fresh);
  std::size_t total = 0;
  for (const auto& [name, text] : b.files) total += text.size();
  if (!of_settings && total > kept_limit)
    return refuse(b, {fmt::format("its files have {} bytes; {} are the limit of what is deployed while running; name it in plugins.folders",
                                  total, kept_limit)});
  auto done = TRY(apply_all(next));
  if (const auto at = done.refused.find(&b); at != done.refused.end()) return refuse(b, at->second);
  // Last: a copy of what was refused would come back at every start.
  if (!of_settings) TRY(keep(b));
  deployment out;
  for (const auto& p : b.processes) out.processes.push_back(process_name(p));
  out.resources = done.resources;
  log_.info("plugins", "bundle deployed", {},
            {{"bundle", b.name},
             {"version", b.version},
             {"processes", static_cast<std::int64_t>(out.processes.size())},
             {"resourcesWritten", static_cast<std::int64_t>(out.resources)}});
  const std::lock_guard lock{mutex_};
  std::erase_if(quarantine_, [&](const auto& q) { return q.source == b.source; });
  plugins_ = std::move(next);
  states_ = std::move(done.processes);
  return out;
}

result<process_line> plugin_set::set_state(const std::string& process, state wish) {
  const std::lock_guard change{changes_};
  const auto& s = options_.settings;
  if (!states_.contains(process))
    return fail(errc::no_such_process, "there is no such process; `dsfctl plugin list` shows them as key|version", process);
  if (s.excluded.contains(process) && wish != state::excluded)
    return fail(errc::settings_win, "processes.excluded of the settings lists it, and the settings win; remove it there and restart",
                process);
  if (s.retired.contains(process) && wish == state::active)
    return fail(errc::settings_win, "processes.retired of the settings lists it, and the settings win; remove it there and restart",
                process);
  const bool provided = std::ranges::any_of(plugins_, [&](const auto& p) {
    return std::ranges::any_of(p->content.processes, [&](const auto& own) { return process_name(own) == process; });
  });
  if (!provided && wish != state::excluded)
    return fail(errc::no_such_process, "no plugin here has this process any more; deploy its plugin first", process);
  TRY(remember_wish(store_, process, wish));
  auto done = TRY(apply_all(plugins_));
  const std::lock_guard lock{mutex_};
  states_ = std::move(done.processes);
  for (const auto& [plugin, reasons] : done.refused)
    if (plugin && std::ranges::any_of(plugin->processes, [&](const auto& own) { return process_name(own) == process; }))
      return fail(errc::bad_bundle, "what is wanted is noted for the next start, but the endpoint refuses it now: " + all_of(reasons),
                  process);
  const auto& now = states_.at(process);
  return process_line{process, std::string(to_string(now.now)), now.because};
}

plugin_list plugin_set::list() const {
  const std::lock_guard lock{mutex_};
  plugin_list out;
  std::set<std::string> shown;
  const auto line_of = [&](const std::string& name) -> process_line {
    shown.insert(name);
    const auto at = states_.find(name);
    return at == states_.end() ? process_line{name, {}, {}}
                               : process_line{name, std::string(to_string(at->second.now)), at->second.because};
  };
  for (const auto& p : plugins_) {
    plugin_line line{p->content.name, p->content.version, p->content.source, p->by_operator, {}, {}, p->warnings, p->since};
    for (const auto& process : p->content.processes) line.processes.push_back(line_of(process_name(process)));
    out.plugins.push_back(std::move(line));
  }
  for (const auto& q : quarantine_) {
    auto line = q;
    for (auto& p : line.processes)
      if (!shown.contains(p.name)) p = line_of(p.name);
    out.plugins.push_back(std::move(line));
  }
  for (const auto& [name, s] : states_)
    if (!shown.contains(name)) out.without.push_back({name, std::string(to_string(s.now)), s.because});
  return out;
}

}  // namespace dsf::plugins
