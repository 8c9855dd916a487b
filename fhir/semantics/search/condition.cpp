#include "fhir/semantics/search/condition.hpp"

#include <algorithm>

#include "fhir/semantics/element.hpp"
#include "fhir/semantics/names.hpp"

namespace dsf::fhir {
namespace {

using made = std::variant<std::monostate, search_condition, condition_fault>;
using check = search_condition::check;

made fault(std::string message) { return condition_fault{false, std::move(message)}; }

std::pair<std::string, std::string> prefix_range(std::string prefix) {
  auto end = prefix_end(prefix);
  return {std::move(prefix), std::move(end)};
}
std::pair<std::string, std::string> exact_range(std::string value) {
  auto end = value + '\0';
  return {std::move(value), std::move(end)};
}

// code | system|code | |code ; "system|" is left to the caller.
std::pair<std::string, std::string> token_range(std::string_view value) {
  const auto bar = value.find('|');
  if (bar == value.npos) return prefix_range(index_value::token_any_system(value));
  if (bar == 0) return exact_range(index_value::token(value.substr(1), std::nullopt));
  return exact_range(index_value::token(value.substr(bar + 1), value.substr(0, bar)));
}

made token(search_condition c, std::string_view value, bool negate) {
  const auto bar = value.find('|');
  if (bar != value.npos && bar + 1 == value.size()) {
    if (bar == 0) return fault({});
    c.ranges.emplace_back("", "");
    c.verify = check::token_of_system;
    c.operand = value.substr(0, bar);
  } else {
    c.ranges.push_back(token_range(value));
  }
  // dsf-fhir-server 1.5: for |code the negation compares per element.
  (negate && bar == 0 ? c.negated_per_element : c.negated) = negate;
  return c;
}

made code(search_condition c, std::string_view type, std::string_view value, bool negate) {
  const bool is_status = c.parameter->kind == parameter_kind::status;
  if (value.find('|') != value.npos) {
    if (is_status) return std::monostate{};
    return fault({});
  }
  if (is_status) {
    const auto known = statuses_of(type);
    if (!known.empty() && std::ranges::find(known, value) == known.end()) return fault({});
  }
  c.ranges.push_back(exact_range(index_value::code(value)));
  c.negated = negate;
  return c;
}

made string(search_condition c, std::string_view value, std::string_view modifier) {
  if (modifier == "exact") {
    c.ranges.push_back(exact_range(index_value::string(value)));
  } else if (modifier == "contains") {
    c.ranges.emplace_back("", "");
    c.verify = check::contains;
    c.operand = index_value::folded(value);
  } else {
    c.ranges.push_back(prefix_range(index_value::folded(value)));
  }
  return c;
}

made uri(search_condition c, std::string_view value, std::string_view modifier) {
  if (c.parameter->kind == parameter_kind::canonical) {
    c.ranges.push_back(modifier == "below" ? prefix_range(std::string(value)) : exact_range(index_value::uri(value, {})));
    return c;
  }
  // Only a canonical has a version: the bar in an address is a character of it.
  if (modifier == "below" && c.parameter->paths != "url") {
    c.ranges.push_back(prefix_range(std::string(value)));
    return c;
  }
  const auto [url, version] = split_canonical(value);
  if (modifier == "below") {
    c.ranges.push_back(prefix_range(std::string(url)));
    if (!version.empty()) return fault("modifier below can't be combined with a version");
  } else if (version.empty() || c.parameter->paths != "url") {
    c.ranges.push_back(prefix_range(index_value::uri(c.parameter->paths == "url" ? url : value, {})));
  } else {
    c.ranges.push_back(exact_range(index_value::uri(url, version)));
  }
  return c;
}

made date(search_condition c, std::string_view value, int zone_offset_minutes) {
  static constexpr std::string_view prefixes[] = {"eq", "ne", "gt", "lt", "ge", "le"};
  auto rest = value;
  bool given = false;
  if (rest.size() > 2 && rest[0] >= 'a' && rest[0] <= 'z') {
    const auto found = std::ranges::find(prefixes, rest.substr(0, 2));
    if (found == std::end(prefixes)) return fault({});
    c.prefix = static_cast<date_prefix>(found - std::begin(prefixes));
    rest.remove_prefix(2);
    given = true;
  }
  const auto range = parse_date_range(rest, zone_offset_minutes);
  // dsf-fhir-server 1.5: yyyy and yyyy-MM only with eq.
  if (!range || (rest.size() < 10 && c.prefix != date_prefix::eq)) return fault({});
  c.date = *range;
  std::string text(rest);
  std::ranges::replace(text, ' ', '+');
  c.value = (given ? std::string(value.substr(0, 2)) : std::string("eq")) + text;
  if (c.what == search_condition::on::last_updated) return c;
  // Entries are ordered by the first microsecond; the check looks at both ends.
  c.verify = check::date;
  switch (c.prefix) {
    case date_prefix::eq: c.ranges.emplace_back(date_key(range->from), date_key(range->to)); break;
    case date_prefix::lt:
    case date_prefix::le: c.ranges.emplace_back("", date_key(range->to)); break;
    default: c.ranges.emplace_back("", ""); break;
  }
  return c;
}

bool is_absolute(std::string_view value) {
  return value.starts_with("http://") || value.starts_with("https://") || value.starts_with("urn:");
}

made reference(search_condition c, std::string_view value, std::string_view modifier, std::string_view base_url) {
  if (c.parameter->name == "depends-on") {
    if (!is_absolute(value)) return fault({});
    c.ranges.push_back(exact_range(index_value::reference(value)));
    return c;
  }
  if (modifier == "identifier") {
    const auto bar = value.find('|');
    if (bar != value.npos && bar + 1 == value.size()) return fault({});
    c.by_identifier = true;
    std::tie(c.token_from, c.token_to) = token_range(value);
    c.ranges.emplace_back('i' + c.token_from, 'i' + c.token_to);
    return c;
  }
  if (base::uuid::is_valid(value)) {
    for (auto rest = c.parameter->targets; !rest.empty();) {
      const auto blank = rest.find(' ');
      c.ranges.push_back(exact_range(index_value::reference(std::string(rest.substr(0, blank)) + "/" + std::string(value))));
      rest = blank == rest.npos ? std::string_view{} : rest.substr(blank + 1);
    }
    return c;
  }
  auto target = value;
  if (!base_url.empty() && target.starts_with(base_url) && target.size() > base_url.size() && target[base_url.size()] == '/')
    target.remove_prefix(base_url.size() + 1);
  const auto slash = target.find('/');
  const bool relative = slash != target.npos && base::uuid::is_valid(target.substr(slash + 1)) && names::is_served(target.substr(0, slash));
  if (!relative && !is_absolute(target)) return fault({});
  c.ranges.push_back(exact_range(index_value::reference(target)));
  return c;
}

bool modifier_allowed(const search_parameter& p, std::string_view modifier) {
  if (modifier.empty() || modifier == "missing") return true;
  if (!p.modifiers) return false;
  switch (p.kind) {
    case parameter_kind::token:
    case parameter_kind::code:
    case parameter_kind::status: return modifier == "not";
    case parameter_kind::string: return modifier == "exact" || modifier == "contains";
    case parameter_kind::uri:
    case parameter_kind::canonical: return modifier == "below";
    case parameter_kind::reference: return modifier == "identifier" && p.name != "depends-on";
    default: return false;
  }
}

const search_parameter& id_parameter() {
  static constexpr search_parameter p{"_id", parameter_kind::code, "id", "Resource-id"};
  return p;
}
const search_parameter& last_updated_parameter() {
  static constexpr search_parameter p{"_lastUpdated", parameter_kind::date, "meta.lastUpdated", "Resource-lastUpdated"};
  return p;
}

}  // namespace

bool is_known_name(std::string_view type, std::string_view name) {
  const auto colon = name.find(':');
  const auto plain = name.substr(0, colon);
  const auto modifier = colon == name.npos ? std::string_view{} : name.substr(colon + 1);
  if (colon != name.npos && modifier.empty()) return false;
  if (name == "_id" || name == "_lastUpdated") return true;
  const auto* p = plain == "_profile" ? &profile_parameter() : parameter_of(type, plain);
  return p && modifier_allowed(*p, modifier);
}

made make_condition(std::string_view type, std::string_view name, std::string_view value, std::string_view base_url,
                    int zone_offset_minutes) {
  if (!is_known_name(type, name)) return condition_fault{true, {}};
  const auto colon = name.find(':');
  const auto plain = name.substr(0, colon);
  const auto modifier = colon == name.npos ? std::string_view{} : name.substr(colon + 1);
  search_condition c;
  c.name = name;
  c.value = value;
  if (plain == "_id") {
    const auto id = base::uuid::parse(value);
    if (!id) return fault("UUID expected");
    c.what = search_condition::on::id;
    c.parameter = &id_parameter();
    c.id = *id;
    return c;
  }
  if (plain == "_lastUpdated") {
    c.what = search_condition::on::last_updated;
    c.parameter = &last_updated_parameter();
    return date(std::move(c), value, zone_offset_minutes);
  }
  c.parameter = plain == "_profile" ? &profile_parameter() : parameter_of(type, plain);
  if (modifier == "missing") {
    if (value != "true" && value != "false") return fault("true or false expected");
    c.ranges.emplace_back("", "");
    c.negated = value == "true";
    return c;
  }
  switch (c.parameter->kind) {
    case parameter_kind::token: return token(std::move(c), value, modifier == "not");
    case parameter_kind::code:
    case parameter_kind::status: return code(std::move(c), type, value, modifier == "not");
    case parameter_kind::boolean:
      if (value != "true" && value != "false") return fault("true or false expected");
      c.ranges.push_back(exact_range(index_value::code(value)));
      return c;
    case parameter_kind::string: return string(std::move(c), value, modifier);
    case parameter_kind::uri:
    case parameter_kind::canonical: return uri(std::move(c), value, modifier);
    case parameter_kind::date: return date(std::move(c), value, zone_offset_minutes);
    case parameter_kind::reference: return reference(std::move(c), value, modifier, base_url);
    case parameter_kind::prefix_uri:
      if (!is_absolute(value)) return fault({});
      c.ranges.push_back(prefix_range(std::string(value)));
      return c;
  }
  return fault({});
}

bool search_condition::accepts(std::string_view v) const {
  if (std::ranges::any_of(alternatives, [&](const search_condition& c) { return c.accepts(v); })) return true;
  const bool in_range = std::ranges::any_of(ranges, [&](const auto& r) { return v >= r.first && (r.second.empty() || v < r.second); });
  if (!in_range) return false;
  switch (verify) {
    case check::none: return true;
    case check::contains: return v.substr(0, v.find('\0')).find(operand) != v.npos;
    case check::token_of_system: {
      std::string tail(1, '\1');
      tail += index_value::token_any_system(operand);
      return v.size() > tail.size() && v.ends_with(tail);
    }
    case check::date: {
      const auto d = date_of(v);
      switch (prefix) {
        case date_prefix::eq: return d.from >= date.from && d.to <= date.to;
        case date_prefix::ne: return d.from < date.from || d.to > date.to;
        case date_prefix::gt: return d.to > date.to;
        case date_prefix::lt: return d.from < date.from;
        case date_prefix::ge: return d.from >= date.from || d.to > date.to;
        case date_prefix::le: return d.to <= date.to || d.from < date.from;
      }
    }
  }
  return false;
}

}  // namespace dsf::fhir
