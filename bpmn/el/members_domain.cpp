// DSF's Target and Targets (dsf-bpe 4.3), FHIR resources as HAPI names their members, and JSON objects.
#include <fmt/format.h>

#include <algorithm>

#include "bpmn/el/members.hpp"
#include "bpmn/errc.hpp"

namespace dsf::bpmn::el {
namespace {

using base::fail;
using base::json;
using base::result;

// Depth is bounded by json::limits::depth.
value from_json(const json& j) {
  if (const auto* b = j.if_bool()) return value(*b);
  if (const auto* s = j.if_string()) return value(*s);
  if (const auto* n = j.if_number()) {
    const bool integral = n->text.find_first_of(".eE") == std::string::npos && n->text.size() <= 18;
    return integral ? value(j.int_or(0)) : value(decimal{n->text});
  }
  if (const auto* a = j.if_array()) {
    value_list out;
    out.reserve(a->size());
    for (const auto& element : *a) out.push_back(from_json(element));
    return value(std::move(out));
  }
  if (const auto* o = j.if_object()) {
    value_map out;
    out.reserve(o->size());
    for (const auto& [name, member] : *o) out.emplace_back(name, from_json(member));
    return value(std::move(out));
  }
  return {};
}

value text_or_null(const std::string& text) { return text.empty() ? value() : value(text); }

// The JSON member behind a HAPI name: the same, or the typed form of a choice (value -> valueQuantity).
template <class Members>
auto find_member(const Members& members, std::string_view name) {
  const auto exact = std::ranges::find_if(members, [&](const auto& m) { return m.first == name; });
  if (exact != members.end()) return exact;
  return std::ranges::find_if(members, [&](const auto& m) {
    return m.first.size() > name.size() && m.first.starts_with(name) && m.first[name.size()] >= 'A' && m.first[name.size()] <= 'Z';
  });
}

result<value_ptr> target_property(const target& t, std::string_view name) {
  if (name == "organizationIdentifierValue") return share(text_or_null(t.organization_identifier));
  if (name == "endpointIdentifierValue") return share(text_or_null(t.endpoint_identifier));
  if (name == "endpointUrl") return share(text_or_null(t.endpoint_url));
  if (name == "correlationKey") return share(text_or_null(t.correlation_key));
  return no_property(value(t), name);
}

value_list entries_of(const targets& t) {
  value_list out;
  out.reserve(t.entries.size());
  for (const auto& entry : t.entries) out.emplace_back(entry);
  return out;
}
value_list entries_of(const fhir_resource_list& l) {
  value_list out;
  out.reserve(l.entries.size());
  for (const auto& entry : l.entries) out.emplace_back(entry);
  return out;
}

// A member of the resource or object, or null.
result<value_ptr> json_property(std::string_view text, std::string_view name) {
  auto parsed = json::parse(text);
  if (!parsed)
    return base::failure(base::error(errc::evaluation, "the JSON of a variable cannot be read").because(std::move(parsed).error()));
  const auto* members = parsed->if_object();
  if (members == nullptr) return share({});
  const auto it = find_member(*members, name);
  return it == members->end() ? share({}) : share(from_json(it->second));
}

bool is_json_like(const value& v) {
  return v.as<fhir_resource>() != nullptr || v.as<json_object>() != nullptr || v.as<value_map>() != nullptr;
}

// getNameFirstRep() of HAPI: the first element, or null.
result<value_ptr> first_element(value_ptr v) {
  if (!is_list(*v)) return v;
  return list_size(*v) == 0 ? share({}) : list_element(v, 0);
}

}  // namespace

result<value_ptr> domain_property(const value_ptr& base, std::string_view name) {
  if (const auto* t = base->as<target>()) return target_property(*t, name);
  if (const auto* t = base->as<targets>(); t != nullptr && name == "entries") return share(value(entries_of(*t)));
  if (const auto* l = base->as<fhir_resource_list>(); l != nullptr && (name == "entries" || name == "resources"))
    return share(value(entries_of(*l)));
  if (const auto* r = base->as<fhir_resource>()) {
    if (name == "resourceType") return share(value(r->type));
    return json_property(r->json, name);
  }
  if (const auto* o = base->as<json_object>()) return json_property(o->json, name);
  if (const auto* m = base->as<value_map>()) {
    const auto it = find_member(*m, name);
    return it == m->end() ? share({}) : share_part(base, it->second);
  }
  if (const auto* r = base->as<fhir_reference>()) {
    if (name == "resourceType") return share(value(r->type));
    if (name == "id") return share(value(r->id));
    if (name == "version") return share(value(static_cast<std::int64_t>(r->version)));
    return fail(
        errc::evaluation,
        fmt::format("property {} of a stored {} is not available in expressions; only resourceType, id and version are", name, r->type));
  }
  return no_property(*base, name);
}

result<value_ptr> call_on_domain(const value_ptr& base, std::string_view method, const arguments& args) {
  if (!args.empty()) return no_method(*base, method, args.size());
  if (const auto* t = base->as<targets>()) {
    if (method == "isEmpty") return share(value(t->entries.empty()));
    if (method == "size") return share(value(static_cast<std::int64_t>(t->entries.size())));
  }
  if (const auto* l = base->as<fhir_resource_list>()) {
    if (method == "isEmpty") return share(value(l->entries.empty()));
    if (method == "size") return share(value(static_cast<std::int64_t>(l->entries.size())));
  }
  if (is_json_like(*base)) {
    if (const auto name = accessor_property(method, "has"); !name.empty()) {
      const auto found = TRY(domain_property(base, name));
      return share(value(!found->is_null() && !(is_list(*found) && list_size(*found) == 0)));
    }
    if (method.ends_with("FirstRep")) {
      const auto name = accessor_property(method.substr(0, method.size() - 8), "get");
      if (!name.empty()) return first_element(TRY(domain_property(base, name)));
    }
  }
  for (const std::string_view prefix : {"get", "is"}) {
    if (const auto name = accessor_property(method, prefix); !name.empty()) {
      auto found = domain_property(base, name);
      if (found || !is_json_like(*base)) return found ? found : no_method(*base, method, 0);
      return found;
    }
  }
  return no_method(*base, method, 0);
}

}  // namespace dsf::bpmn::el
