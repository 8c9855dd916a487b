// FHIRPath N1, 5.9 and 6.5.3, and what R4 adds (R4 fhirpath.html, "Additional functions").
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "fhir/path/functions.hpp"

namespace dsf::fhir::path {
namespace {

result<collection> trace(call& c) {
  const auto name = TRY(c.text_argument(0));
  auto* host = c.run.with().host;
  if (!host) return std::move(c.input);
  if (c.arguments() < 2) {
    host->trace(name.value_or(""), c.input);
    return std::move(c.input);
  }
  collection shown;
  TRY(c.each(1, [&](const item&, collection r) -> result<bool> {
    std::ranges::move(r, std::back_inserter(shown));
    TRY(c.run.room_for(shown));
    return true;
  }));
  host->trace(name.value_or(""), shown);
  return std::move(c.input);
}

result<temporal> moment(call& c) {
  const auto& with = c.run.with();
  if (!with.now) return c.error(errc::unsupported, fmt::format("{}() needs a time, and this evaluation was given none", c.node.text));
  return temporal::of(*with.now, with.zone_minutes);
}
result<collection> now(call& c) { return one(TRY(moment(c))); }
result<collection> today(call& c) { return one(TRY(moment(c)).as(temporal_kind::date)); }
result<collection> time_of_day(call& c) {
  auto t = TRY(moment(c));
  t.kind = temporal_kind::time;
  t.has_zone = false;
  return one(t);
}

result<collection> logical_not(call& c) {
  const auto v = TRY(boolean_of(c.run, c.input, c.node));
  return v ? one(!*v) : collection{};
}

result<collection> type(call& c) {
  collection out;
  for (const auto& i : c.input) {
    auto full = type_name_of(i);
    const auto* e = std::get_if<element>(&i);
    // The type of an element of a structure is that of which it is a nameless kind: BackboneElement.
    if (e && e->type && e->type->kind == type_kind::backbone) full = "FHIR." + std::string(e->type->base);
    const auto dot = full.find('.');
    out.emplace_back(std::make_shared<const type_ref>(type_ref{full.substr(0, dot), full.substr(dot + 1)}));
  }
  return out;
}

result<collection> extension(call& c) {
  const auto url = TRY(c.text_argument(0));
  collection out;
  if (!url) return out;
  collection all;
  for (const auto& i : c.input) append_children(i, "extension", all);
  TRY(c.run.spend(all.size()));
  for (auto& i : all)
    if (const auto* e = std::get_if<element>(&i); e && e->value && (*e->value)["url"].str() == *url) out.push_back(std::move(i));
  return out;
}

// True for one primitive with a value.
result<collection> has_value_function(call& c) {
  if (c.input.size() != 1) return one(false);
  const auto* e = std::get_if<element>(&c.input[0]);
  return one(e ? has_value(*e) : true);
}

result<collection> get_value(call& c) {
  if (c.input.size() != 1) return collection{};
  const auto* e = std::get_if<element>(&c.input[0]);
  if (e && !has_value(*e)) return collection{};
  auto v = system_value(c.input[0]);
  return v ? one(std::move(*v)) : collection{};
}

// "Patient/1" of "Patient/1/_history/2" and of "https://host/fhir/Patient/1".
std::string_view type_in(std::string_view reference) {
  if (const auto history = reference.find("/_history/"); history != reference.npos) reference = reference.substr(0, history);
  const auto id = reference.rfind('/');
  if (id == reference.npos || id == 0) return {};
  const auto rest = reference.substr(0, id);
  const auto before = rest.rfind('/');
  return before == rest.npos ? rest : rest.substr(before + 1);
}

std::optional<element> in_resource(const environment& with, std::string_view reference) {
  const auto* root = with.root_resource.value ? with.root_resource.value : with.resource.value;
  if (!root) return {};
  if (reference == "#") return element::of(*root);
  if (reference.starts_with('#'))
    for (const auto& r : (*root)["contained"])
      if (r["id"].str() == reference.substr(1)) return element::of(r);
  if (root->find("entry") && (*root)["resourceType"].str() == "Bundle")
    for (const auto& e : (*root)["entry"]) {
      const auto& url = e["fullUrl"].str();
      const bool relative = url.size() > reference.size() && url.ends_with(reference) && url[url.size() - reference.size() - 1] == '/';
      if (e.find("resource") && !reference.empty() && (url == reference || relative)) return element::of(e["resource"]);
    }
  return {};
}

std::optional<element> only_type(std::string_view reference) {
  static const base::json nothing{base::json::object{}};
  const auto name = type_in(reference);
  if (!is_resource(name)) return {};
  return element{&nothing, nullptr, find_type(name)};
}

result<collection> resolve(call& c) {
  collection out;
  const auto& with = c.run.with();
  for (const auto& i : c.input) {
    const auto* e = std::get_if<element>(&i);
    std::string_view reference;
    if (const auto* s = string_in(i))
      reference = *s;
    else if (e && e->value && e->value->is_object())
      reference = (*e->value)["reference"].str();
    else if (e)
      reference = primitive_text(*e);
    if (reference.empty()) continue;
    TRY(c.run.spend(1));
    auto target = in_resource(with, reference);
    if (!target && with.host && !reference.starts_with('#')) target = with.host->resolve(reference);
    if (!target && with.references_by_type) target = only_type(reference);
    if (target) out.emplace_back(*target);
  }
  return out;
}

// R4: an error if there is a modifier extension that the list does not name.
result<collection> check_modifiers(call& c) {
  std::vector<std::string> known;
  for (std::size_t n = 0; n < c.arguments(); ++n)
    if (auto url = TRY(c.text_argument(n))) known.push_back(std::move(*url));
  for (const auto& i : c.input) {
    collection found;
    append_children(i, "modifierExtension", found);
    for (const auto& m : found)
      if (const auto& url = (*std::get<element>(m).value)["url"].str(); std::ranges::find(known, url) == known.end())
        return c.error(errc::failed, fmt::format("the modifier extension '{}' is not known here", url));
  }
  return std::move(c.input);
}

base::failure nobody(call& c, std::string_view what) {
  return c.error(errc::unsupported, fmt::format("{}() needs {}, which this evaluation does not have", c.node.text, what));
}

template <std::optional<bool> (host::*Ask)(const element&, std::string_view)>
result<collection> asked(call& c) {
  const auto url = TRY(c.text_argument(0));
  if (!url || c.input.empty()) return collection{};
  if (c.input.size() > 1) return c.error(errc::cardinality, fmt::format("{}() takes one item, not {}", c.node.text, c.input.size()));
  const auto* e = std::get_if<element>(&c.input[0]);
  auto* host = c.run.with().host;
  if (!host || !e) return nobody(c, fmt::format("'{}'", *url));
  const auto out = (host->*Ask)(*e, *url);
  if (!out) return nobody(c, fmt::format("'{}'", *url));
  return one(*out);
}

result<collection> html_checks(call& c) {
  if (c.input.empty()) return collection{};
  auto* host = c.run.with().host;
  if (!host) return nobody(c, "a checker of narratives");
  for (const auto& i : c.input) {
    const auto v = system_value(i);
    const auto* text = v ? string_in(*v) : nullptr;
    if (!text) return one(false);
    const auto good = host->html_checks(*text);
    if (!good) return nobody(c, "a checker of narratives");
    if (!*good) return one(false);
  }
  return one(true);
}

// Understood, and refused: they need the definitions of elements, or a terminology with hierarchies.
result<collection> refused(call& c) { return c.error(errc::unsupported, fmt::format("{}() is not offered here", c.node.text)); }

constexpr std::array table{
    function{"trace", 1, 2, trace},
    function{"now", 0, 0, now},
    function{"today", 0, 0, today},
    function{"timeOfDay", 0, 0, time_of_day},
    function{"not", 0, 0, logical_not},
    function{"type", 0, 0, type},
    function{"extension", 1, 1, extension},
    function{"hasValue", 0, 0, has_value_function},
    function{"getValue", 0, 0, get_value},
    function{"resolve", 0, 0, resolve},
    function{"checkModifiers", 0, 20, check_modifiers},
    function{"conformsTo", 1, 1, asked<&host::conforms_to>},
    function{"memberOf", 1, 1, asked<&host::member_of>},
    function{"htmlChecks", 0, 0, html_checks},
    function{"elementDefinition", 0, 0, refused},
    function{"slice", 2, 2, refused},
    function{"subsumes", 1, 1, refused},
    function{"subsumedBy", 1, 1, refused},
};

}  // namespace

std::span<const function> utility_functions() { return table; }

}  // namespace dsf::fhir::path
