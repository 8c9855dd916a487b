#include "privacy/search_parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace dsf::privacy {
namespace {

using base::json;
using base::result;

// Text views into JSON numbers and booleans need a home.
constexpr std::string_view true_text = "true";
constexpr std::string_view false_text = "false";

struct step {
  std::string_view name;
  std::string_view url;   // of extension(url)
  std::string_view rest;
};

step next_step(std::string_view path) {
  step out;
  const auto open = path.find('(');
  const auto dot = path.find('.');
  if (open != std::string_view::npos && (dot == std::string_view::npos || open < dot)) {
    const auto close = path.find(')');
    out.name = path.substr(0, open);
    out.url = path.substr(open + 1, close - open - 1);
    out.rest = close + 1 < path.size() ? path.substr(close + 2) : std::string_view{};
    return out;
  }
  out.name = path.substr(0, dot);
  out.rest = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  return out;
}

// The recursion is as deep as our own paths are long.
void collect_one(const json& at, std::string_view path, std::vector<const json*>& out) {
  if (at.is_array()) {
    for (const auto& child : at) {
      if (!child.is_array()) collect_one(child, path, out);
    }
    return;
  }
  if (path.empty()) {
    if (!at.is_null()) out.push_back(&at);
    return;
  }
  const auto s = next_step(path);
  const auto* child = at.find(s.name);
  if (!child) return;
  if (s.url.empty()) {
    collect_one(*child, s.rest, out);
    return;
  }
  for (const auto& e : *child)
    if (e["url"].str() == s.url) collect_one(e, s.rest, out);
}

std::vector<const json*> collect(const json& at, std::string_view paths) {
  std::vector<const json*> out;
  while (!paths.empty()) {
    const auto bar = paths.find('|');
    collect_one(at, paths.substr(0, bar), out);
    paths = bar == std::string_view::npos ? std::string_view{} : paths.substr(bar + 1);
  }
  return out;
}

void add_coding(const json& coding, std::vector<token_value>& out) {
  if (const auto& code = coding["code"].str(); !code.empty()) out.push_back({coding["system"].str(), code});
}

void add_tokens(const json& leaf, std::vector<token_value>& out) {
  if (const auto* s = leaf.if_string()) {
    if (!s->empty()) out.push_back({{}, *s});
  } else if (const auto* b = leaf.if_bool()) {
    out.push_back({{}, *b ? true_text : false_text});
  } else if (const auto* codings = leaf.find("coding")) {
    for (const auto& c : *codings) add_coding(c, out);
  } else if (leaf.find("code")) {
    add_coding(leaf, out);
  } else if (const auto& value = leaf["value"].str(); !value.empty()) {
    out.push_back({leaf["system"].str(), value});
  }
}

result<void> add_quantity(const json& leaf, std::vector<quantity_value>& out) {
  const auto* n = leaf["value"].if_number();
  if (!n) {
    if (leaf["value"].is_null()) return {};
    return base::fail(errc::resource, "the value of a quantity must be a number without quotes");
  }
  double v = 0;
  const auto [end, ec] = std::from_chars(n->text.data(), n->text.data() + n->text.size(), v);
  if (ec != std::errc{} || end != n->text.data() + n->text.size() || !std::isfinite(v))
    return base::fail(errc::resource, fmt::format("the quantity {} is out of range", n->text));
  out.push_back({v, leaf["code"].str(), leaf["unit"].str()});
  return {};
}

result<day_range> date_of(const json& leaf) {
  const auto* s = leaf.if_string();
  const auto d = s ? parse_date_range(*s) : std::nullopt;
  if (!d) return base::fail(errc::resource, fmt::format("{} is no FHIR date; write YYYY, YYYY-MM, YYYY-MM-DD or a dateTime", leaf.dump()));
  return *d;
}

result<void> add_date(const json& leaf, std::vector<day_range>& out) {
  if (!leaf.is_object()) {
    out.push_back(TRY(date_of(leaf)));
    return {};
  }
  day_range period{far_past, far_future};
  if (!leaf["start"].is_null()) period.first = TRY(date_of(leaf["start"])).first;
  if (!leaf["end"].is_null()) period.last = TRY(date_of(leaf["end"])).last;
  if (period.first != far_past || period.last != far_future) out.push_back(period);
  return {};
}

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}
bool is_type(std::string_view type) {
  return !type.empty() && type.size() <= 64 && type[0] >= 'A' && type[0] <= 'Z' &&
         std::ranges::all_of(type, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

}  // namespace

void extracted::clear() {
  tokens.clear();
  quantities.clear();
  dates.clear();
  references.clear();
  codes.clear();
}

result<void> extract(const search_parameter& p, const json& resource, extracted& into) {
  into.clear();
  for (const auto* leaf : collect(resource, p.path)) {
    switch (p.kind) {
      case parameter_kind::token:
      case parameter_kind::code: add_tokens(*leaf, into.tokens); break;
      case parameter_kind::quantity: TRY(add_quantity(*leaf, into.quantities)); break;
      case parameter_kind::date: TRY(add_date(*leaf, into.dates)); break;
      case parameter_kind::reference:
        if (const auto r = split_reference((*leaf)["reference"].str()); !r.id.empty()) into.references.push_back(r);
        break;
      case parameter_kind::composite_quantity:
      case parameter_kind::composite_token: {
        std::vector<token_value> codes;
        for (const auto* c : collect(*leaf, p.code_path)) add_tokens(*c, codes);
        std::vector<quantity_value> quantities;
        std::vector<token_value> tokens;
        for (const auto* v : collect(*leaf, p.value_path)) {
          if (p.kind == parameter_kind::composite_quantity) {
            TRY(add_quantity(*v, quantities));
          } else {
            add_tokens(*v, tokens);
          }
        }
        for (const auto& c : codes) {
          for (const auto& q : quantities) {
            into.codes.push_back(c);
            into.quantities.push_back(q);
          }
          for (const auto& t : tokens) {
            into.codes.push_back(c);
            into.tokens.push_back(t);
          }
        }
        break;
      }
    }
  }
  return {};
}

reference_value split_reference(std::string_view text) {
  if (const auto history = text.find("/_history/"); history != std::string_view::npos) text = text.substr(0, history);
  const auto slash = text.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return {};
  const auto before = text.rfind('/', slash - 1);
  const auto type =
      text.substr(before == std::string_view::npos ? 0 : before + 1, slash - (before == std::string_view::npos ? 0 : before + 1));
  const auto id = text.substr(slash + 1);
  if (!is_type(type) || !is_id(id)) return {};
  return {type, id};
}

std::string_view patient_of(const json& resource) {
  if (resource["resourceType"].str() == "Patient") return resource["id"].str();
  for (const auto* name : {"subject", "patient"}) {
    const auto r = split_reference(resource[name]["reference"].str());
    if (r.type == "Patient") return r.id;
  }
  return {};
}

result<void> check_clinical(const json& resource) {
  if (!resource.is_object()) return base::fail(errc::resource, "a resource must be a JSON object {...}");
  const auto& type = resource["resourceType"].str();
  if (!is_type(type)) return base::fail(errc::resource, "the resource has no 'resourceType' that names a FHIR type, such as Patient");
  const auto& id = resource["id"].str();
  if (!is_id(id))
    return base::fail(errc::resource, fmt::format("the {} has no 'id' of 1 to 64 letters, digits, '-' and '.'; give it one", type), type);
  extracted values;
  for (const auto& p : parameters_of(type)) {
    if (auto ok = extract(p, resource, values); !ok)
      return base::failure(std::move(ok).error().at(fmt::format("{}/{} ({})", type, id, p.path)));
  }
  return {};
}

}  // namespace dsf::privacy
