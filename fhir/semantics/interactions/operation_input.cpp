#include "fhir/semantics/interactions/operation_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "fhir/semantics/interactions/answer.hpp"

namespace dsf::fhir {
namespace {

bool of_the_answer(std::string_view name) { return name == "_format" || name == "_pretty" || name == "_summary"; }

// "Parameters.parameter[1].resource.status" is "Task.status".
std::vector<issue> issues_below(const std::vector<issue>& all, const std::string& prefix, const std::string& type) {
  std::vector<issue> out;
  for (auto i : all)
    if (i.expression == prefix || i.expression.starts_with(prefix + ".")) {
      i.expression = type + i.expression.substr(prefix.size());
      out.push_back(std::move(i));
    }
  return out;
}

op_result<void> take_parameters(const request_body& body, operation_input& out) {
  std::size_t at = 0, told = 0;
  for (const auto& p : body.resource["parameter"]) {
    const auto place = fmt::format("Parameters.parameter[{}]", at++);
    const auto& name = p["name"].str();
    if (const auto* resource = p.find("resource")) {
      auto issues = issues_below(body.issues, place + ".resource", (*resource)["resourceType"].str());
      told += issues.size();
      out.resources.push_back({name, *resource, std::move(issues)});
      continue;
    }
    const base::json* value = nullptr;
    if (const auto* members = p.if_object())
      for (const auto& [member, v] : *members)
        if (member.starts_with("value")) value = &v;
    if (!value || value->is_object() || value->is_array())
      return op_fail(400, "invalid", fmt::format("{} ({}) has no simple value and no resource", place, name));
    out.values.emplace_back(name, value->is_string() ? value->str() : value->dump());
  }
  // Faults of the resources are what an operation may be about; others are not.
  if (told < body.issues.size())
    for (const auto& i : body.issues)
      if (i.expression.find("].resource") == i.expression.npos) return op_fail(400, "invalid", fmt::format("{}: {}", i.expression, i.text));
  return {};
}

op_result<void> once_each(const operation_input& input, std::initializer_list<std::string_view> known) {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : input.values) names.push_back(name);
  for (const auto& r : input.resources) names.push_back(r.name);
  std::ranges::sort(names);
  if (const auto twice = std::ranges::adjacent_find(names); twice != names.end())
    return op_fail(400, "invalid", fmt::format("The parameter '{}' is given more than once", *twice));
  for (const auto name : names)
    if (std::ranges::find(known, name) == known.end())
      return op_fail(400, "not-supported", fmt::format("The parameter '{}' is not supported; these are: {}", name, fmt::join(known, ", ")));
  return {};
}

}  // namespace

const std::string* operation_input::value(std::string_view name) const {
  const auto at = std::ranges::find(values, name, &std::pair<std::string, std::string>::first);
  return at == values.end() ? nullptr : &at->second;
}

const operation_input::resource* operation_input::resource_named(std::string_view name) const {
  const auto at = std::ranges::find(resources, name, &resource::name);
  return at == resources.end() ? nullptr : &*at;
}

op_result<operation_input> read_input(const interaction_request& request, std::string_view bare,
                                      std::initializer_list<std::string_view> known) {
  operation_input out;
  for (const auto& [name, value] : request.query)
    if (!of_the_answer(name)) out.values.emplace_back(name, value);
  if (request.method == http_method::post && !request.body.empty()) {
    auto body = OP_PASS(read_body(request, ""));
    const auto& type = body.resource["resourceType"].str();
    if (type == "Parameters")
      OP_PASS(take_parameters(body, out));
    else if (bare.empty())
      return op_fail(400, "invalid", fmt::format("The body is a {}; send Parameters", type));
    else
      out.resources.push_back({std::string(bare), std::move(body.resource), std::move(body.issues)});
  }
  OP_PASS(once_each(out, known));
  return out;
}

op_result<bool> flag_of(const operation_input& input, std::string_view name, bool otherwise) {
  const auto* text = input.value(name);
  if (!text) return otherwise;
  if (*text != "true" && *text != "false")
    return op_fail(400, "invalid", fmt::format("The parameter '{}' is '{}'; it is true or false", name, *text));
  return *text == "true";
}

op_result<std::uint64_t> number_of(const operation_input& input, std::string_view name, std::uint64_t otherwise) {
  const auto* text = input.value(name);
  if (!text) return otherwise;
  std::uint64_t out = 0;
  const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), out);
  if (ec != std::errc{} || end != text->data() + text->size() || text->empty())
    return op_fail(400, "invalid", fmt::format("The parameter '{}' is '{}'; it is a number from 0 on", name, *text));
  return out;
}

}  // namespace dsf::fhir
