#include <algorithm>
#include <array>

#include "actors/link/rows.hpp"
#include "actors/retention/rules_impl.hpp"
#include "actors/task_document.hpp"
#include "base/mutant.hpp"
#include "storage/ages.hpp"

namespace dsf::actors {
namespace {

using base::result;

// An instance's data, or all of it.
class instances_by_end final : public retention_rule {
public:
  using retention_rule::retention_rule;

  result<std::vector<candidate>> read(const storage::store_view& view, std::uint64_t from, std::size_t limit) const override {
    std::vector<candidate> out;
    for (const auto& i : TRY(storage::instance_ages(view, from, limit)))
      out.push_back({.number = i.instance, .started = i.started, .since = i.ended, .has_data = i.has_data_key});
    return out;
  }

  result<verdict> judge(const storage::store_view&, const candidate& c, base::timestamp now, storage::commit& removal) const override {
    // What lives is as old as its start, but stays.
    if (c.since.us == 0) return of_age(c.started, now) ? verdict::keep : verdict::young;
    if (what() == removal::instance_data && !c.has_data) return verdict::done;
    if (!of_age(c.since, now)) return verdict::young;
    if (what() == removal::instance_data)
      removal.operations.emplace_back(storage::delete_row{storage::table::data_key, storage::keys::instance_data_key(c.number)});
    else
      removal.operations.emplace_back(storage::forget_instance{c.number});
    return verdict::due;
  }
};

// dsf-fhir-server 1.7.2: no status follows these.
bool is_final(std::string_view type, std::string_view status) {
  constexpr std::array tasks{"completed", "failed"};
  constexpr std::array responses{"completed", "amended", "stopped", "entered-in-error"};
  if (type == "Task") return std::ranges::find(tasks, status) != tasks.end();
  if (type == "QuestionnaireResponse") return std::ranges::find(responses, status) != responses.end();
  return true;
}

class resources_by_update final : public retention_rule {
public:
  using retention_rule::retention_rule;

  result<std::vector<candidate>> read(const storage::store_view& view, std::uint64_t from, std::size_t limit) const override {
    std::vector<candidate> out;
    if (from > UINT32_MAX) return out;
    for (const auto& r : TRY(storage::resource_ages(view, type_of(what()), static_cast<std::uint32_t>(from), limit)))
      out.push_back({.number = r.ordinal, .id = r.id, .version = r.version, .deleted = r.deleted, .since = r.last_updated});
    return out;
  }

  result<verdict> judge(const storage::store_view& view, const candidate& c, base::timestamp now, storage::commit& removal) const override {
    if (!of_age(c.since, now)) return verdict::young;
    const std::string type(type_of(what()));
    removal.preconditions.emplace_back(storage::version_is{type, c.id, c.version});
    removal.operations.emplace_back(storage::purge_resource{type, c.id});
    if (!c.deleted && type != "Binary") {
      const auto stored = TRY(view.current(type, c.id));
      if (!stored) return verdict::done;
      // One whose data key was deleted reads as deleted: nothing is left that somebody could still need.
      if (!stored->deleted) {
        const auto body = base::json::parse(*stored->bytes);
        if (!body || !is_final(type, (*body)["status"].str())) return verdict::keep;
        if (type == "Task" && !DSF_MUTANT("retention.live_task_purged") && !TRY(task_is_free(view, *body, removal))) return verdict::keep;
      }
    }
    if (type == "Task") TRY(take_position(view, c, removal));
    return verdict::due;
  }

private:
  // No live instance works with it: all Tasks of an instance have its business key (dsf-bpe 1.8).
  static result<bool> task_is_free(const storage::store_view& view, const base::json& task, storage::commit& removal) {
    const auto facts = facts_of(task);
    if (!facts.process || facts.business_key.empty()) return true;
    const auto key = storage::keys::business_key(0, facts.process->key + "|" + facts.process->version, facts.business_key);
    removal.preconditions.emplace_back(storage::row_is{storage::table::business_key, key, false});
    return !TRY(view.row_value(storage::table::business_key, key)).has_value();
  }

  // Of an engine whose endpoint is another program (docs/decisions/split-site.md). A Task with versions that the endpoint lacks stays. One whose
  // delivery was given up goes, but not the row that keeps it from being taken over again.
  static result<void> take_position(const storage::store_view& view, const candidate& c, storage::commit& removal) {
    const auto id = c.id.to_string();
    removal.preconditions.emplace_back(storage::row_is{storage::table::meta, undelivered_key(id), false});
    const auto row = TRY(view.row_value(storage::table::meta, task_key(id)));
    if (!row) return {};
    if (TRY(decode_task_position(*row)).delivered != given_up)
      removal.operations.emplace_back(storage::delete_row{storage::table::meta, task_key(id)});
    return {};
  }
};

}  // namespace

bool retention_rule::of_age(base::timestamp since, base::timestamp now) const {
  return base::add(since, age_) <= now || DSF_MUTANT("retention.age_ignored");
}

std::string_view to_string(removal r) noexcept {
  constexpr std::array<std::string_view, removal_count> names{"instance_data", "instance_log", "tasks", "binaries",
                                                              "questionnaire_responses"};
  return names[static_cast<std::size_t>(r)];
}

std::string_view type_of(removal r) noexcept {
  switch (r) {
    case removal::tasks: return "Task";
    case removal::binaries: return "Binary";
    case removal::questionnaire_responses: return "QuestionnaireResponse";
    case removal::instance_data:
    case removal::instance_log: break;
  }
  return {};
}

const std::optional<base::iso_duration>& age_of(const retention_rules& rules, removal r) noexcept {
  switch (r) {
    case removal::instance_data: return rules.instances;
    case removal::instance_log: return rules.instance_log;
    case removal::tasks: return rules.tasks;
    case removal::binaries: return rules.binaries;
    case removal::questionnaire_responses: break;
  }
  return rules.questionnaire_responses;
}

std::unique_ptr<retention_rule> make_rule(removal what, base::iso_duration age) {
  if (type_of(what).empty()) return std::make_unique<instances_by_end>(what, age);
  return std::make_unique<resources_by_update>(what, age);
}

}  // namespace dsf::actors
