// The table of dsf-bpe 3.6, row by row. Would find: resources left behind, touched though nothing changed, or removed while another process has them.
#include <catch2/catch.hpp>

#include "plugins/states.hpp"

using namespace dsf::plugins;
using enum state;

TEST_CASE("states: what each transition does", "[states]") {
  using a = resource_action;
  struct row {
    state from, to;
    resource_action what;
  };
  const row table[] = {
      {new_, active, a::create},      {new_, draft, a::create},      {new_, retired, a::create},    {new_, excluded, a::none},
      {missing, active, a::create},   {missing, retired, a::create}, {excluded, active, a::create}, {excluded, draft, a::create},
      {excluded, retired, a::create}, {excluded, excluded, a::none}, {active, active, a::look},     {active, draft, a::update},
      {active, retired, a::update},   {active, excluded, a::remove}, {draft, active, a::update},    {draft, draft, a::update},
      {draft, retired, a::update},    {draft, excluded, a::remove},  {retired, active, a::update},  {retired, draft, a::update},
      {retired, retired, a::look},    {retired, excluded, a::remove}};
  for (const auto& r : table) {
    CAPTURE(to_string(r.from), to_string(r.to));
    CHECK(action_for(r.from, r.to) == r.what);
  }
  for (const auto s : {excluded, retired, draft, active}) CHECK(stored_state(to_string(s)) == s);
  CHECK_FALSE(stored_state("new"));
}

namespace {

bundle_resource resource(const std::string& type, const std::string& url) { return {url, type, {}, "url=" + url}; }
std::vector<recorded_resource> recorded(const bundle_process& p) {
  std::vector<recorded_resource> out;
  for (const auto& r : p.resources) out.push_back({r.type, r.criteria});
  return out;
}

}  // namespace

TEST_CASE("states: a resource of two processes lives as long as one of them", "[states]") {
  bundle b;
  bundle_process one, two;
  one.resources = {resource("Task", "t"), resource("ValueSet", "shared"), resource("CodeSystem", "c")};
  two.resources = {resource("ValueSet", "shared")};
  const process_change both[] = {{"one|1.0", active, excluded, &b, &one, recorded(one)},
                                 {"two|1.0", active, active, &b, &two, recorded(two)}};
  const auto plan = plan_resources(both);
  REQUIRE(plan.size() == 3);
  CHECK(plan[0].action == resource_action::remove);
  CHECK(plan[1].action == resource_action::remove);
  CHECK(plan[2].criteria == "url=shared");
  CHECK(plan[2].action == resource_action::look);
  const process_change first[] = {{"one|1.0", new_, active, &b, &one, {}}};
  const auto created = plan_resources(first);
  REQUIRE(created.size() == 3);
  CHECK(created[0].type == "CodeSystem");
  CHECK(created[2].type == "Task");
}

TEST_CASE("states: what is no longer provided, or no longer listed", "[states]") {
  bundle b;
  bundle_process now;
  now.resources = {resource("CodeSystem", "c")};
  const std::vector<recorded_resource> before{{"CodeSystem", "url=c"}, {"ValueSet", "url=old"}};
  const auto plan_of = [&](state from, state to, const bundle_process* content) {
    const process_change p[] = {{"p|1.0", from, to, content ? &b : nullptr, content, before}};
    return plan_resources(p);
  };
  const auto gone = plan_of(active, excluded, nullptr);
  REQUIRE(gone.size() == 2);
  CHECK(gone[0].action == resource_action::remove);
  CHECK(gone[1].action == resource_action::remove);
  const auto draft_plan = plan_of(draft, draft, &now);
  REQUIRE(draft_plan.size() == 2);
  CHECK(draft_plan[0].action == resource_action::remove);
  CHECK(draft_plan[0].criteria == "url=old");
  CHECK(draft_plan[1].action == resource_action::update);
  // Of an active version what it once brought stays.
  const auto active_plan = plan_of(active, active, &now);
  REQUIRE(active_plan.size() == 1);
  CHECK(active_plan[0].action == resource_action::look);
  // What a draft lists newly is created.
  now.resources.push_back(resource("ValueSet", "new"));
  CHECK(plan_of(draft, draft, &now).back().action == resource_action::create);
  CHECK(plan_of(draft, draft, &now)[1].action == resource_action::update);
}
