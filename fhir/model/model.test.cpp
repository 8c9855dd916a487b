#include "fhir/model/model.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

using namespace dsf::fhir;

TEST_CASE("types and elements are found", "[fhir][model]") {
  const auto* task = find_type("Task");
  REQUIRE(task);
  CHECK(task->base == "DomainResource");
  CHECK(is_resource("Task"));
  CHECK_FALSE(is_resource("Resource"));
  CHECK_FALSE(is_resource("Coding"));
  CHECK(is_primitive("instant"));
  CHECK_FALSE(is_primitive("Task"));
  CHECK(find_type("task") == nullptr);
  CHECK(find_element(*task, "statuss") == nullptr);

  const auto* status = find_element(*task, "status");
  REQUIRE(status);
  CHECK(status->type->primitive == primitive::code);
  CHECK(status->min == 1);
  CHECK(status->modifier);
  REQUIRE(status->binding);
  CHECK(status->binding->complete);
  CHECK(status->binding->contains("in-progress"));
  CHECK_FALSE(status->binding->contains("active"));

  const auto* input = find_element(*task, "input");
  REQUIRE(input);
  CHECK(input->array);
  CHECK(input->type->name == "Task.input");
  const auto* value = find_element(*input->type, "valueReference");
  REQUIRE(value);
  CHECK(value->choice == "value");
  CHECK(value->type == find_type("Reference"));
}

TEST_CASE("references, content references and XML forms", "[fhir][model]") {
  const auto& restriction = *find_element(*find_type("Task"), "restriction")->type;
  const auto targets = find_element(restriction, "recipient")->targets;
  CHECK(std::ranges::find(targets, "Organization") != targets.end());
  CHECK(std::ranges::find(targets, "Endpoint") == targets.end());
  const auto* item = find_type("Questionnaire.item");
  CHECK(find_element(*item, "item")->type == item);
  CHECK(find_element(*find_type("Extension"), "url")->xml == xml_form::attribute);
  CHECK(find_element(*find_type("Narrative"), "div")->xml == xml_form::xhtml);
  CHECK(find_element(*find_type("Patient"), "id")->xml == xml_form::element);
  CHECK(find_element(*find_type("Patient"), "id")->type->primitive == primitive::id);
  CHECK(find_element(*find_type("Bundle.entry"), "resource")->type == find_type("Resource"));
  CHECK(find_element(*find_type("Patient"), "contained")->array);
}

// Finds: a generator that sorts or numbers wrongly.
TEST_CASE("the tables are consistent", "[fhir][model]") {
  CHECK(std::ranges::is_sorted(all_types(), {}, &type_info::name));
  for (const auto& type : all_types()) {
    INFO(type.name);
    REQUIRE(type.by_name.size() == type.elements.size());
    int last = 0;
    for (const auto& e : type.elements) {
      INFO(e.name);
      CHECK(find_element(type, e.name) == &e);
      CHECK((e.position == last || e.position == last + 1));
      last = e.position;
      CHECK((e.min > 0) == ((type.required >> e.position & 1) != 0));
      CHECK(e.type != nullptr);
      if (!e.choice.empty()) CHECK(e.name.starts_with(e.choice));
      if (e.binding) CHECK(std::ranges::is_sorted(e.binding->codes, {}, &coded::code));
    }
  }
}

TEST_CASE("the served types are resource types", "[fhir][model]") {
  CHECK(served_types().size() == 26);
  for (const auto type : served_types()) CHECK(is_resource(type));
  CHECK(is_served("Subscription"));
  CHECK_FALSE(is_served("Condition"));
}
