// Commands that go on for a while: import with its progress bar, the live view of events, the actor tree, cohort counts.
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <map>
#include <ostream>

#include "site/ctl/commands.hpp"
#include "site/ctl/render.hpp"
#include "site/ctl/text_table.hpp"

namespace dsf::site::ctl {
namespace {

constexpr std::size_t bar_columns = 30;
constexpr std::size_t max_query_bytes = 16 << 20;

std::string progress_bar(const import_progress& p) {
  const double part =
      p.bytes_total ? std::min(1.0, static_cast<double>(p.bytes_done) / static_cast<double>(p.bytes_total)) : (p.finished ? 1.0 : 0.0);
  const auto filled = static_cast<std::size_t>(part * bar_columns);
  return fmt::format("[{}{}] {:3.0f} %  {} of {}  {} resources  {} patients", std::string(filled, '#'),
                     std::string(bar_columns - filled, '.'), part * 100, human_bytes(p.bytes_done), human_bytes(p.bytes_total), p.resources,
                     p.patients);
}

result<std::string> read_query(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return base::fail(admin_errc::not_found, "the query file can't be read", path);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (text.size() > max_query_bytes) return base::fail(admin_errc::too_large, "the query is larger than 16 MiB", path);
  return text;
}

void print_tree(ctl_output& o, const std::vector<actor_status>& list) {
  std::multimap<std::string, const actor_status*> children;
  std::map<std::string, bool> known;
  for (const auto& a : list) known[a.name] = true;
  for (const auto& a : list) children.emplace(known.contains(a.parent) && a.parent != a.name ? a.parent : "", &a);

  text_table t({"ACTOR", "MAILBOX", "HANDLED", "RESTARTS"});
  for (std::size_t i = 1; i < 4; ++i) t.align_right(i);
  struct item {
    const actor_status* actor;
    std::size_t depth;
  };
  std::vector<item> work;
  auto push_children = [&](const std::string& parent, std::size_t depth) {
    const auto [first, last] = children.equal_range(parent);
    std::vector<item> found;
    for (auto i = first; i != last; ++i) found.push_back({i->second, depth});
    work.insert(work.end(), found.rbegin(), found.rend());
    children.erase(first, last);  // each actor is shown once, whatever the names say
  };
  push_children("", 0);
  while (!work.empty()) {
    const auto [a, depth] = work.back();
    work.pop_back();
    t.add({std::string(std::min<std::size_t>(depth, 20) * 2, ' ') + a->name, std::to_string(a->mailbox), std::to_string(a->handled),
           std::to_string(a->restarts)});
    push_children(a->name, depth + 1);
  }
  o.out << t.str(o.width);
}

}  // namespace

result<> import(ctl_output& o, admin_calls& site, const std::string& path) {
  import_progress last;
  int shown_percent = -1;
  const auto imported = site.import(path, [&](const import_progress& p) {
    last = p;
    if (o.json) return true;
    const int percent = p.bytes_total ? static_cast<int>(p.bytes_done * 100 / p.bytes_total) : 0;
    if (o.terminal) {
      o.err << "\r" << cut_to(progress_bar(p), o.width ? o.width - 1 : 120) << std::flush;
    } else if (percent / 10 != shown_percent / 10 || p.finished) {
      o.err << progress_bar(p) << "\n";
    }
    shown_percent = percent;
    return true;
  });
  if (o.terminal && !o.json) o.err << "\n";
  TRY(imported);
  if (o.json) {
    o.out << to_json(last).dump() << "\n";
  } else {
    o.out << fmt::format("imported {} resources of {} patients from {} file{}\n", last.resources, last.patients, last.files_done,
                         last.files_done == 1 ? "" : "s");
  }
  return {};
}

result<> cohort_query(ctl_output& o, admin_calls& site, const std::vector<std::string>& query_files) {
  for (const auto& file : query_files) {
    const auto count = TRY(site.cohort_count(TRY(read_query(file))));
    if (o.json) {
      o.out << base::json(base::json::object{{"query", file}, {"count", count}}).dump() << "\n";
    } else {
      o.out << fmt::format("{} {}\n", file, count);
    }
  }
  return {};
}

result<> actors(ctl_output& o, admin_calls& site, std::uint32_t limit) {
  const auto list = TRY(site.actors(limit));
  if (o.json) {
    o.out << to_json(list).dump() << "\n";
  } else {
    print_tree(o, list);
  }
  return {};
}

result<> watch(ctl_output& o, admin_client& site) {
  return site.watch([&](const site_event_line& e) {
    if (o.json) {
      o.out << to_json(e).dump() << "\n" << std::flush;
      return true;
    }
    auto time = base::to_iso(e.time, 3).substr(11, 12);
    std::string about;
    for (const auto* part : {&e.process, &e.activity, &e.partner, &e.text})
      if (!part->empty()) about += "  " + *part;
    o.out << cut_to(fmt::format("{}  {:<16}{}{}", time, e.kind, about, e.business_key.empty() ? "" : "  [" + e.business_key + "]"),
                    o.width ? o.width : 400)
          << "\n"
          << std::flush;
    return true;
  });
}

result<task_input> parse_input(const std::string& text, bool reference) {
  const auto equals = text.find('=');
  const auto coding = text.substr(0, equals);
  if (equals == std::string::npos || equals == 0)
    return base::fail(admin_errc::invalid, fmt::format("the input '{}' must be system|code=value", text));
  const auto bar = coding.rfind('|');
  task_input input;
  if (bar != std::string::npos) input.system = coding.substr(0, bar);
  input.code = bar == std::string::npos ? coding : coding.substr(bar + 1);
  input.type = reference ? "reference" : "string";
  input.value = text.substr(equals + 1);
  if (input.code.empty() || input.value.empty())
    return base::fail(admin_errc::invalid, fmt::format("the input '{}' must be system|code=value", text));
  return input;
}

result<std::pair<std::string, std::string>> parse_pair(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return base::fail(admin_errc::invalid, fmt::format("'{}' must be name=value", text));
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

}  // namespace dsf::site::ctl
