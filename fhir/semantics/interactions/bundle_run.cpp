// dsf-fhir-server 3.9, processing: DELETE, POST, PUT, reference check, GET, over an overlay that shows each entry what the others do.
#include "fhir/semantics/interactions/bundle_run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fhir/semantics/access.hpp"
#include "fhir/semantics/interactions/overlay.hpp"
#include "fhir/semantics/operation_outcome.hpp"

namespace dsf::fhir {
namespace {

class bundle_run {
public:
  bundle_run(const interaction_context& context, const answerer& answer, temporary_ids known)
      : context_(context), answer_(answer), overlay_(context.view, context.now), temporary_(std::move(known)) {}

  op_result<void> run(std::vector<bundle_entry> entries) {
    entries_ = std::move(entries);
    for (const auto& e : entries_) answers_.try_emplace(e.index);
    OP_PASS(removals());
    OP_PASS(identify());
    rewrite();
    OP_PASS(refresh());
    OP_PASS(writes());
    return reads();
  }

  bundle_plan take() && {
    writes_.snapshot_sequence = context_.view.sequence();
    return {std::move(writes_), std::move(external_), std::move(answers_), std::move(temporary_)};
  }

private:
  struct planned {
    bool skipped = false;  // conditional create that found a resource
    std::optional<stored_resource> before;  // of an update
    base::uuid id;
  };

  op_scope scope(const bundle_entry& e) const {
    return {context_,
            overlay_,
            directory_ ? *directory_ : context_.allow_list,
            processes_ ? *processes_ : context_.processes,
            conformance_ ? *conformance_ : context_.conformance,
            e.index,
            {}};
  }

  std::vector<bundle_entry*> in_order(std::initializer_list<entry_method> methods) {
    std::vector<bundle_entry*> out;
    for (const auto m : methods)
      for (auto& e : entries_)
        if (e.method == m) out.push_back(&e);
    return out;
  }

  std::size_t add_write(resource_write w) {
    writes_.writes.push_back(std::move(w));
    return writes_.writes.size() - 1;
  }

  static std::function<std::string(const std::string&)> bad_query(const bundle_entry& e) {
    return [url = e.url](const std::string& what) { return fmt::format("Bad request '{}', unsupported query parameter {}", url, what); };
  }

  op_result<void> removals() {
    for (auto* e : in_order({entry_method::remove})) {
      auto& a = answers_[e->index];
      auto id = e->id;
      if (e->conditional) {
        auto match = OP_PASS(match_condition(scope(*e), e->type, e->query, true, bad_query(*e)));
        std::ranges::move(match.watched, std::back_inserter(writes_.unchanged));
        if (match.found.size() > 1)
          return op_fail(412, "multiple-matches", fmt::format("Multiple {} resources with criteria '{}' exist", e->type, e->url));
        if (match.found.empty()) {
          a.status = 204;
          continue;
        }
        id = match.found[0].id;
      }
      auto removal = OP_PASS(plan_remove(scope(*e), e->type, *id));
      a.outcome = operation_outcome("information", "informational", removed_text(e->type, *id));
      if (!removal.write) continue;
      overlay_.put(*removal.write);
      add_write(std::move(*removal.write));
    }
    return {};
  }

  // A write as far as it is known before references are resolved, so that later entries see the resource.
  void provisional(const bundle_entry& e, const planned& p) {
    const auto& config = context_.config;
    resource_write w;
    w.what = p.before ? resource_write::kind::update : resource_write::kind::create;
    w.type = e.type;
    w.id = p.id;
    w.expected_version = p.before ? p.before->version : 0;
    auto body = make_storable(e.resource, p.id);
    if (!body) return;  // can't happen for a checked resource; plan_write reports it
    w.body = std::move(*body);
    w.index = index_entries(e.resource, &context_.allow_list, config.base_url, config.zone_offset_minutes);
    w.unique = unique_keys_of(e.resource, context_.allow_list, config.base_url);
    w.access_class = access_class_of(e.resource, context_.allow_list, config.base_url);
    overlay_.put(w);
  }

  // Ids for all that is written; the table of temporary references.
  op_result<void> identify() {
    for (auto* e : in_order({entry_method::post, entry_method::put})) {
      auto& p = planned_[e->index];
      if (e->if_none_exist && e->method == entry_method::post) {
        auto none = OP_PASS(check_none_exist(scope(*e), e->type, *e->if_none_exist));
        std::ranges::move(none.watched, std::back_inserter(writes_.unchanged));
        if (none.existing) {
          found_existing(*e, *none.existing);
          p.skipped = true;
          continue;
        }
      }
      if (e->conditional) {
        auto match = OP_PASS(match_condition(scope(*e), e->type, e->query, false, bad_query(*e)));
        std::ranges::move(match.watched, std::back_inserter(writes_.unchanged));
        if (match.found.size() > 1)
          return op_fail(412, "multiple-matches", fmt::format("Multiple {} resources with criteria '{}' exist", e->type, e->url));
        if (match.found.size() == 1) p.before = std::move(match.found[0]);
      } else if (e->method == entry_method::put) {
        p.before = OP_PASS(update_base(scope(*e), e->type, *e->id, e->if_match));
      }
      p.id = p.before ? p.before->id : base::uuid::random(context_.entropy);
      if (std::ranges::any_of(
              planned_, [&](const auto& other) { return other.first != e->index && !other.second.skipped && other.second.id == p.id; }))
        return op_fail(
            400, "processing",
            fmt::format("Bad bundle request - {}/{} occurs twice, again at bundle index {}", e->type, p.id.to_string(), e->index));
      if (e->full_url.starts_with("urn:uuid:")) temporary_[e->full_url] = e->type + "/" + p.id.to_string();
      provisional(*e, p);
    }
    return {};
  }

  void found_existing(const bundle_entry& e, const stored_resource& found) {
    auto& a = answers_[e.index];
    a.type = found.type;
    a.id = found.id;
    a.version = found.version;
    a.last_updated = found.last_updated;
    a.has_version = true;
    // The resource may come from this very bundle; then the commit gives its time.
    for (const auto& [index, other] : planned_)
      if (!other.skipped && index != e.index && other.id == found.id) same_as_[e.index] = index;
    temporary_[e.full_url] = found.type + "/" + found.id.to_string();
  }

  void rewrite() {
    for (auto* e : in_order({entry_method::post, entry_method::put})) {
      const auto& p = planned_[e->index];
      if (p.skipped) continue;
      replace_temporary(e->resource, temporary_, context_.config.base_url);
      provisional(*e, p);
    }
  }

  // Allow-list, processes and profiles that this bundle brings are in force for its other entries.
  op_result<void> refresh() {
    const auto touches = [&](auto&& depends_on) {
      return std::ranges::any_of(entries_, [&](const bundle_entry& e) { return e.method <= entry_method::put && depends_on(e.type); });
    };
    if (touches([](std::string_view t) { return directory::depends_on(t); }))
      directory_ = OP_TRY(directory::build(overlay_, context_.config.base_url));
    if (touches([](std::string_view t) { return process_authorizations::depends_on(t); }))
      processes_ = OP_TRY(process_authorizations::build(overlay_));
    if (touches([](std::string_view t) { return conformance_cache::depends_on(t); }))
      conformance_ = OP_TRY(conformance_cache::build(overlay_));
    return {};
  }

  op_result<void> writes() {
    for (auto* e : in_order({entry_method::post, entry_method::put})) {
      auto& p = planned_[e->index];
      if (p.skipped) continue;
      auto s = scope(*e);
      s.self = p.id;
      if (p.before)
        OP_PASS(admit_change(s, *p.before, e->resource, e->issues));
      else
        OP_PASS(admit_new(s, e->resource, e->issues));
      auto write =
          OP_PASS(plan_write(s, std::move(e->resource), p.id, p.before ? resource_write::kind::update : resource_write::kind::create,
                             p.before ? p.before->version : 0));
      std::ranges::move(write.external, std::back_inserter(external_));
      auto& a = answers_[e->index];
      a.status = p.before ? 200 : 201;
      a.type = e->type;
      a.id = p.id;
      a.has_version = true;
      a.show_resource = true;
      a.body = write.write.body;
      overlay_.put(write.write);
      a.write = add_write(std::move(write.write));
    }
    for (const auto& [index, origin] : same_as_) answers_[index].write = answers_[origin].write;
    return {};
  }

  op_result<void> reads() {
    for (auto* e : in_order({entry_method::get, entry_method::head})) {
      auto& a = answers_[e->index];
      if (const auto found = temporary_.find(e->url); found != temporary_.end()) {
        const auto slash = found->second.find('/');
        e->type = found->second.substr(0, slash);
        e->id = *base::uuid::parse(found->second.substr(slash + 1));
      } else if (e->type.empty()) {
        return op_fail(400, "processing", fmt::format("Bad bundle request - Bad read request url {} at bundle index {}", e->url, e->index));
      }
      if (e->conditional)
        OP_PASS(search(*e, a));
      else
        OP_PASS(read(*e, a));
      if (e->method == entry_method::head) a.resource.clear(), a.show_resource = false;
    }
    return {};
  }

  op_result<void> read(const bundle_entry& e, entry_answer& a) {
    const auto stored = OP_PASS(read_version(scope(e), e.type, *e.id, e.version));
    a.type = stored.type;
    a.id = stored.id;
    a.version = stored.version;
    a.last_updated = stored.last_updated;
    a.has_version = true;
    if (e.if_none_match) {
      const auto tags = tag_versions(*e.if_none_match, true);
      if (std::ranges::find(tags, stored.version) != tags.end()) a.status = 304;
    } else if (e.if_modified_since) {
      const auto since = parse_http_date(*e.if_modified_since);
      if (since && stored.last_updated.us / base::us_per_s <= since->us / base::us_per_s) a.status = 304;
    }
    if (a.status == 304) return {};
    a.resource = *stored.bytes;
    for (const auto& [index, other] : answers_)
      if (other.write && other.show_resource && other.id == a.id && !e.version)
        a.write = other.write, a.body = other.body, a.show_resource = true, a.resource.clear();
    return {};
  }

  // A search with exactly one hit gives that resource itself (11.1, 13).
  op_result<void> search(const bundle_entry& e, entry_answer& a) {
    auto text = OP_PASS(search_bundle(scope(e), e.type, e.query, answer_.prefer().strict));
    const auto bundle = OP_TRY(base::json::parse(text));
    if (bundle["total"].int_or(0) == 1 && bundle["entry"].size() == 1)
      a.resource = bundle["entry"][std::size_t{0}]["resource"].dump();
    else
      a.resource = std::move(text);
    return {};
  }

  const interaction_context& context_;
  const answerer& answer_;
  overlay_view overlay_;
  std::vector<bundle_entry> entries_;
  std::map<std::size_t, entry_answer> answers_;
  std::map<std::size_t, planned> planned_;
  std::map<std::size_t, std::size_t> same_as_;
  temporary_ids temporary_;
  write_set writes_;
  std::vector<external_reference> external_;
  std::shared_ptr<const directory> directory_;
  std::shared_ptr<const process_authorizations> processes_;
  std::shared_ptr<const conformance_cache> conformance_;
};

}  // namespace

op_result<bundle_plan> plan_entries(const interaction_context& context, const answerer& answer, std::vector<bundle_entry> entries,
                                    temporary_ids known) {
  bundle_run run(context, answer, std::move(known));
  OP_PASS(run.run(std::move(entries)));
  return std::move(run).take();
}

}  // namespace dsf::fhir
