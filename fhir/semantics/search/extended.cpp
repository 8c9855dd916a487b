#include "fhir/semantics/search/extended.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fhir/semantics/names.hpp"

namespace dsf::fhir {
namespace {

using made = std::variant<std::monostate, search_condition, condition_fault>;

struct maker {
  std::string_view base_url;
  int zone_offset_minutes;

  made plain(std::string_view type, std::string_view name, std::string_view value) const {
    return make_condition(type, name, value, base_url, zone_offset_minutes);
  }
  made with_commas(std::string_view type, std::string_view name, std::string_view value) const;
  made chain(std::string_view type, std::string_view name, std::string_view value) const;
  made reverse(std::string_view type, std::string_view name, std::string_view value) const;
};

// R4 search.html 3.1.1.5.5: `\,` is a comma of the value.
std::vector<std::string> at_commas(std::string_view value) {
  std::vector<std::string> out(1);
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size() && (value[i + 1] == ',' || value[i + 1] == '\\'))
      out.back() += value[++i];
    else if (value[i] == ',')
      out.emplace_back();
    else
      out.back() += value[i];
  }
  return out;
}

// Values of these parameters may hold commas that DSF finds as they stand: there, a comma is a part of the value, or each part must be
// whole by itself, system and code.
bool may_be_list(const search_condition& whole, const std::vector<std::string>& parts) {
  if (whole.name.ends_with(":missing")) return false;
  switch (whole.parameter->kind) {
    case parameter_kind::string:
    case parameter_kind::uri:
    case parameter_kind::canonical:
    case parameter_kind::prefix_uri:
    case parameter_kind::code: return whole.what == search_condition::on::id;
    case parameter_kind::token:
      if (whole.parameter->paths.ends_with("coding")) return true;
      return std::ranges::all_of(parts, [](const std::string& p) { return p.find('|') != p.npos; });
    case parameter_kind::reference:
      if (!whole.name.ends_with(":identifier")) return true;
      return std::ranges::all_of(parts, [](const std::string& p) { return p.find('|') != p.npos; });
    default: return true;
  }
}

made maker::with_commas(std::string_view type, std::string_view name, std::string_view value) const {
  if (value.find(',') == value.npos) return plain(type, name, value);
  const auto parts = at_commas(value);
  std::vector<search_condition> all;
  for (const auto& part : parts) {
    auto one = part.empty() ? made{} : plain(type, name, part);
    auto* condition = std::get_if<search_condition>(&one);
    if (!condition) return plain(type, name, value);
    all.push_back(std::move(*condition));
  }
  if (all.size() < 2 || !may_be_list(all.front(), parts)) return plain(type, name, value);
  auto first = std::move(all.front());
  for (std::size_t i = 1; i < all.size(); ++i) {
    first.value += "," + all[i].value;
    first.alternatives.push_back(std::move(all[i]));
  }
  return first;
}

std::vector<std::string_view> words(std::string_view list) {
  std::vector<std::string_view> out;
  while (!list.empty()) {
    const auto blank = list.find(' ');
    out.push_back(list.substr(0, blank));
    if (blank == list.npos) break;
    list.remove_prefix(blank + 1);
  }
  return out;
}

std::shared_ptr<const search_query> query_of(std::string_view type, search_condition condition) {
  auto out = std::make_shared<search_query>();
  out->type = type;
  out->conditions.push_back(std::move(condition));
  return out;
}

// R4 search.html 3.1.1.5.3, one step: requester:Organization.name=x
made maker::chain(std::string_view type, std::string_view name, std::string_view value) const {
  const auto dot = name.find('.');
  const auto head = name.substr(0, dot), rest = name.substr(dot + 1);
  const auto colon = head.find(':');
  const auto* reference = parameter_of(type, head.substr(0, colon));
  if (!reference || reference->kind != parameter_kind::reference || reference->name == "depends-on") return condition_fault{true, {}};
  const auto targets = words(reference->targets);
  const auto wanted = colon == head.npos ? std::string_view{} : head.substr(colon + 1);
  if (colon != head.npos && std::ranges::find(targets, wanted) == targets.end()) return condition_fault{true, {}};
  search_condition out;
  out.parameter = reference;
  out.name = name;
  condition_fault fault{true, {}};
  for (const auto target : targets) {
    if (!wanted.empty() && target != wanted) continue;
    auto one = with_commas(target, rest, value);
    if (auto* condition = std::get_if<search_condition>(&one)) {
      out.value = condition->value;
      out.chained.push_back(query_of(target, std::move(*condition)));
    } else if (auto* f = std::get_if<condition_fault>(&one); f && !f->unknown_name) {
      fault = std::move(*f);
    }
  }
  if (out.chained.empty()) return fault;
  return out;
}

// R4 search.html 3.1.1.5.4: _has:Task:requester:status=draft
made maker::reverse(std::string_view type, std::string_view name, std::string_view value) const {
  auto rest = name.substr(std::string_view("_has:").size());
  const auto first = rest.find(':');
  const auto second = first == rest.npos ? rest.npos : rest.find(':', first + 1);
  if (second == rest.npos) return condition_fault{true, {}};
  const auto source = rest.substr(0, first);
  const auto* reference = parameter_of(source, rest.substr(first + 1, second - first - 1));
  if (!reference || reference->kind != parameter_kind::reference || reference->name == "depends-on") return condition_fault{true, {}};
  if (const auto targets = words(reference->targets); std::ranges::find(targets, type) == targets.end()) return condition_fault{true, {}};
  auto one = with_commas(source, rest.substr(second + 1), value);
  auto* condition = std::get_if<search_condition>(&one);
  if (!condition) return one;
  search_condition out;
  out.what = search_condition::on::referrer;
  out.parameter = reference;
  out.name = name;
  out.value = condition->value;
  out.chained.push_back(query_of(source, std::move(*condition)));
  return out;
}

}  // namespace

made make_extended_condition(std::string_view type, std::string_view name, std::string_view value, std::string_view base_url,
                             int zone_offset_minutes) {
  const maker m{base_url, zone_offset_minutes};
  if (name.starts_with("_has:")) return m.reverse(type, name, value);
  if (name.find('.') != name.npos) return m.chain(type, name, value);
  return m.with_commas(type, name, value);
}

}  // namespace dsf::fhir
