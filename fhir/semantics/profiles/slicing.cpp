#include "fhir/semantics/profiles/slicing.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/profiles/codes.hpp"
#include "fhir/semantics/rules/rule.hpp"

namespace dsf::fhir {
namespace {

using kind = slice_discriminator::kind;
using step_kind = path_step::kind;

// A value on the way along a path; `type` is the rest of value[x]: "String".
struct node {
  const base::json* value;
  std::string_view type;
};

bool same_type(std::string_view code, std::string_view capitalised) {
  if (code.size() != capitalised.size() || code.empty()) return false;
  const auto first = code[0] >= 'a' && code[0] <= 'z' ? static_cast<char>(code[0] - 32) : code[0];
  return first == capitalised[0] && code.substr(1) == capitalised.substr(1);
}

// "String" for valueString and value; empty if it is no variant.
std::string_view variant_of(std::string_view member, std::string_view stem) {
  if (member.size() <= stem.size() || !member.starts_with(stem)) return {};
  const auto rest = member.substr(stem.size());
  if (rest[0] < 'A' || rest[0] > 'Z') return {};
  if (find_type(rest)) return rest;
  std::string code(rest);
  code[0] = static_cast<char>(code[0] + 32);
  return is_primitive(code) ? rest : std::string_view{};
}

std::string_view resource_type(const base::json& v) { return v["resourceType"].str(); }

// Calls visit(node) for each value at the path, until it returns true. Bounded by the path.
template <class Visit>
bool any_at(node at, const path_step* step, const path_step* end, const base::json& resource, const Visit& visit) {
  if (step == end) return visit(at);
  const auto each = [&](const base::json& v, std::string_view type) {
    if (!v.is_array()) return any_at(node{&v, type}, step + 1, end, resource, visit);
    for (const auto& item : v)
      if (any_at(node{&item, type}, step + 1, end, resource, visit)) return true;
    return false;
  };
  switch (step->what) {
    case step_kind::member: {
      const auto* members = at.value->if_object();
      if (!members) return false;
      for (const auto& [name, value] : *members) {
        if (name == step->text) return each(value, {});
        // value[x] is called `value` in a path.
        if (const auto rest = variant_of(name, step->text); !rest.empty() && each(value, rest)) return true;
      }
      return false;
    }
    case step_kind::extension:
      for (const auto& e : (*at.value)["extension"])
        if (e["url"].str() == step->text && any_at(node{&e, {}}, step + 1, end, resource, visit)) return true;
      return false;
    case step_kind::of_type:
      if (!at.type.empty() ? same_type(step->text, at.type) : resource_type(*at.value) == step->text)
        return any_at(at, step + 1, end, resource, visit);
      return false;
    case step_kind::resolve: {
      const auto& reference = (*at.value)["reference"].str();
      if (const auto* target = target_inside(resource, reference)) return any_at(node{target, {}}, step + 1, end, resource, visit);
      // A target that is not here is known by its type only.
      const auto type = !type_in_reference(reference).empty() ? type_in_reference(reference) : std::string_view((*at.value)["type"].str());
      static const base::json nothing;
      return step + 1 == end && !type.empty() && visit(node{&nothing, type});
    }
  }
  return false;
}

// What the slice says where the path points.
struct expected_at {
  const element_rule* rule = nullptr;
  std::vector<base::json> values;        // taken from a fixed value or pattern further up
  bool fixed = false;
  std::string extension_url;             // the url of an extension is known by its profile
};

void values_below(const base::json& v, const path_step* step, const path_step* end, std::vector<base::json>& out) {
  static const base::json nothing;
  any_at(node{&v, {}}, step, end, nothing, [&](const node& n) {
    out.push_back(*n.value);
    return false;
  });
}

// The child that a step leads to: a slice of `extension`, a variant of value[x], or the element itself.
const element_rule* next_rule(const element_rule& at, const path_step& step) {
  if (step.what == step_kind::member) {
    const auto* child = at.child(step.text);
    if (child || at.slice.empty()) return child;
    return nullptr;
  }
  if (step.what == step_kind::extension) {
    const auto* list = at.child("extension");
    if (!list) return nullptr;
    for (const auto& slice : list->slices) {
      const auto* url = slice.child("url");
      if ((url && url->fixed.str() == step.text) ||
          std::ranges::any_of(slice.type_profiles, [&](const auto& p) { return split_canonical(p).first == step.text; }))
        return &slice;
    }
    return nullptr;
  }
  if (step.what == step_kind::of_type) {
    for (const auto& slice : at.slices)
      if (std::ranges::find(slice.types, step.text) != slice.types.end()) return &slice;
    return &at;
  }
  return &at;  // resolve(): what is said of the target stands below the reference
}

expected_at expectation(const element_rule& slice, const std::vector<path_step>& path) {
  expected_at out;
  const auto* at = &slice;
  const auto* end = path.data() + path.size();
  for (const auto* step = path.data();; ++step) {
    const auto& given = at->fixed.is_null() ? at->pattern : at->fixed;
    if (!given.is_null()) {
      values_below(given, step, end, out.values);
      out.fixed = step == end && !at->fixed.is_null();
      out.rule = step == end ? at : nullptr;
      if (!out.values.empty()) return out;
    }
    if (step == end) break;
    if (step + 1 == end && step->text == "url" && !at->type_profiles.empty())
      out.extension_url = split_canonical(at->type_profiles[0]).first;
    const auto* next = next_rule(*at, *step);
    if (!next) return out;
    at = next;
    // One required slice of a repeating element speaks for it: coding:x with a fixed code.
    if (step + 1 != end && !at->choice && at->slices.size() == 1 && at->slices[0].min.value_or(0) > 0 && at->children.empty() &&
        at->fixed.is_null() && at->pattern.is_null())
      at = &at->slices[0];
  }
  out.rule = at;
  return out;
}

}  // namespace

std::optional<std::vector<path_step>> parse_path(std::string_view path) {
  std::vector<path_step> out;
  const auto quoted = [](std::string_view text) {
    return text.size() >= 2 && (text.front() == '\'' || text.front() == '"') ? text.substr(1, text.size() - 2) : text;
  };
  while (!path.empty()) {
    // A point inside of parentheses belongs to the argument.
    std::size_t end = 0;
    for (int depth = 0; end < path.size() && (path[end] != '.' || depth > 0); ++end)
      depth += path[end] == '(' ? 1 : path[end] == ')' ? -1 : 0;
    const auto step = path.substr(0, end);
    if (end + 1 == path.size()) return {};
    path = end == path.size() ? std::string_view{} : path.substr(end + 1);
    const auto open = step.find('(');
    if (step == "$this") continue;
    if (open == step.npos) {
      if (step.empty() || step.find_first_of(" \t[]=|&<>'\"") != step.npos) return {};
      out.push_back({step_kind::member, std::string(step.ends_with("[x]") ? step.substr(0, step.size() - 3) : step)});
      continue;
    }
    if (!step.ends_with(")")) return {};
    const auto name = step.substr(0, open);
    const auto argument = quoted(step.substr(open + 1, step.size() - open - 2));
    if (name == "resolve" && argument.empty())
      out.push_back({step_kind::resolve, {}});
    else if (name == "ofType" && !argument.empty())
      out.push_back({step_kind::of_type, std::string(argument)});
    else if (name == "extension" && !argument.empty())
      out.push_back({step_kind::extension, std::string(argument)});
    else
      return {};
  }
  return out;
}

std::expected<std::vector<slice_test>, std::string> tests_of(const element_rule& whole, const element_rule& slice) {
  if (slice.slice == "@default") return {};  // what is left over
  auto discriminators = whole.discriminators;
  if (discriminators.empty()) {
    // A choice is sliced by its type, extensions by their url (R4 profiling.html).
    if (whole.choice)
      discriminators.push_back({kind::type, "$this"});
    else if (whole.name == "extension" || whole.name == "modifierExtension")
      discriminators.push_back({kind::value, "url"});
    else if (whole.name == "input" || whole.name == "output")
      discriminators = {{kind::value, "type.coding.system"}, {kind::value, "type.coding.code"}};  // as DSF's Task profile
    else
      return std::unexpected(fmt::format("{} has slices and no discriminator", whole.id));
  }
  std::vector<slice_test> out;
  for (const auto& d : discriminators) {
    slice_test test;
    test.what = d.what;
    test.path = parse_path(d.path).value_or(std::vector<path_step>{});
    auto found = expectation(slice, test.path);
    const auto none = [&](std::string_view needed) {
      return std::unexpected(fmt::format("the slice says nothing of '{}', by which it is told from others: it needs {}", d.path, needed));
    };
    switch (d.what) {
      case kind::value:
        test.any_of = std::move(found.values);
        test.exact = found.fixed;
        if (test.any_of.empty() && found.rule && found.rule->codes) test.codes = found.rule->codes;
        if (test.any_of.empty() && !test.codes && !found.extension_url.empty()) test.any_of.emplace_back(found.extension_url);
        // An optional part that is excluded tells slices apart, too.
        if (test.any_of.empty() && !test.codes) {
          if (!found.rule || found.rule == &slice || (found.rule->max.value_or(1) != 0 && found.rule->required_value_set.empty()))
            return none("a fixed value, a pattern or a required binding there");
          if (!found.rule->required_value_set.empty()) return none("a value set that this server can list there");
          test.what = kind::exists;
          test.present = false;
        }
        break;
      case kind::exists:
        if (!found.rule || found.rule == &slice) return none("min 1 or max 0 there");
        test.present = found.rule->max.value_or(1) != 0;
        break;
      case kind::type:
        // What resolve() leads to has the types of the reference's targets.
        if (found.rule)
          test.types = !test.path.empty() && test.path.back().what == step_kind::resolve ? found.rule->targets : found.rule->types;
        if (test.types.empty()) return none("a type there");
        break;
      case kind::profile:
        if (found.rule) test.profiles = found.rule->type_profiles;
        if (test.profiles.empty()) return none("a profile there");
        break;
    }
    out.push_back(std::move(test));
  }
  return out;
}

bool in_slice(const element_rule& slice, const value_ref& v, const slice_scope& scope) {
  static const base::json nothing;
  const node start{v.value ? v.value : &nothing, {}};
  return std::ranges::all_of(slice.tests, [&](const slice_test& test) {
    const auto* begin = test.path.data();
    const auto* end = begin + test.path.size();
    switch (test.what) {
      case kind::value:
        return any_at(start, begin, end, scope.resource, [&](const node& n) {
          if (test.codes) {
            if (n.value->is_string()) return test.codes->contains_code(n.value->str());
            if (n.value->find("coding"))
              return std::ranges::any_of((*n.value)["coding"],
                                         [&](const auto& c) { return test.codes->contains(c["system"].str(), c["code"].str()); });
            return test.codes->contains((*n.value)["system"].str(), (*n.value)["code"].str());
          }
          return std::ranges::any_of(test.any_of,
                                     [&](const auto& e) { return test.exact ? equal_values(*n.value, e) : fits_pattern(*n.value, e); });
        });
      case kind::exists: return test.present == any_at(start, begin, end, scope.resource, [](const node&) { return true; });
      case kind::type:
        if (begin == end && v.form && resource_type(*start.value).empty())
          return std::ranges::find(test.types, v.form->code) != test.types.end();
        return any_at(start, begin, end, scope.resource, [&](const node& n) {
          return std::ranges::any_of(test.types, [&](const auto& t) {
            return t == "Resource" || (n.type.empty() ? resource_type(*n.value) == t : same_type(t, n.type));
          });
        });
      case kind::profile:
        return any_at(start, begin, end, scope.resource, [&](const node& n) {
          if (DSF_MUTANT("fhir.profile_discriminator_always_fits")) return true;
          const value_ref at{n.value, nullptr, begin == end ? v.form : nullptr};
          return std::ranges::any_of(test.profiles, [&](const auto& p) { return scope.conforms(at, p); });
        });
    }
    return false;
  });
}

const base::json* target_inside(const base::json& resource, std::string_view reference) {
  if (reference.empty()) return nullptr;
  if (reference[0] == '#') {
    for (const auto& c : resource["contained"])
      if (c["id"].str() == reference.substr(1)) return &c;
    return nullptr;
  }
  for (const auto& entry : resource["entry"])
    if (entry["fullUrl"].str() == reference) return &entry["resource"];
  return nullptr;
}

std::string_view type_in_reference(std::string_view reference) {
  if (const auto history = reference.find("/_history/"); history != reference.npos) reference = reference.substr(0, history);
  const auto last = reference.rfind('/');
  if (last == reference.npos || last == 0) return {};
  const auto before = reference.rfind('/', last - 1);
  const auto type = reference.substr(before == reference.npos ? 0 : before + 1, last - (before == reference.npos ? 0 : before + 1));
  return is_resource(type) ? type : std::string_view{};
}

bool fits_pattern(const base::json& value, const base::json& pattern) {
  if (const auto* members = pattern.if_object())
    return std::ranges::all_of(*members, [&](const auto& m) {
      const auto* other = value.find(m.first);
      return other && fits_pattern(*other, m.second);
    });
  if (pattern.is_array())
    return std::ranges::all_of(
        pattern, [&](const auto& p) { return std::ranges::any_of(value, [&](const auto& v) { return fits_pattern(v, p); }); });
  return value == pattern;
}

bool equal_values(const base::json& a, const base::json& b) { return same_element(a, b); }

std::string shown(const base::json& v) {
  constexpr std::size_t most = 200;
  auto out = v.is_string() ? v.str() : v.dump();
  if (out.size() <= most) return out;
  auto end = most;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
  out.resize(end);
  return out + "...";
}

}  // namespace dsf::fhir
