// Starting a process: from a draft Task and its profile to a form, and from what was entered to a new Task (dsf-fhir-server 7).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "web/form.hpp"

namespace dsf::web {

// In whose name a Task is made or an answer given.
struct sender {
  bool practitioner = false;
  std::string identifier;  // in the system of organisations or practitioners
  base::json as_reference() const;
};

// One kind of input, in the order of the form.
struct input_slot {
  std::string system, code;
  base::json type;                 // CodeableConcept of what is sent
  value_shape shape;
  int min = 0;
  int max = -1;                    // -1: any number
  bool fixed = false;              // the process says what it is; `values` are sent as they are
  std::vector<base::json> values;  // Task.input elements of the draft
};
constexpr int rows_at_most = 50;

// `profile`: the StructureDefinition of the draft, or null; its differential and its snapshot say the same.
std::vector<input_slot> input_slots(const base::json& draft, const base::json& profile);

struct task_form_state {
  const form_values* sent = nullptr;  // what was entered before; null at first
  problems wrong;
};
page task_form_page(const visitor& who, const base::json& draft, const base::json& profile, const form_seal& seal,
                    const task_form_state& state);
// Nothing: `wrong` says why. `now`: FHIR dateTime.
std::optional<base::json> task_of_form(const visitor& who, const base::json& draft, const base::json& profile, const form_values& sent,
                                       const sender& from, const std::string& now, problems& wrong);

}  // namespace dsf::web
