// java.util.List and java.util.Map, reading only.
#include <fmt/format.h>

#include <algorithm>

#include "bpmn/el/coerce.hpp"
#include "bpmn/el/members.hpp"
#include "bpmn/errc.hpp"

namespace dsf::bpmn::el {

using base::fail;
using base::result;

bool is_list(const value& v) { return v.as<value_list>() != nullptr || v.as<string_list>() != nullptr; }

std::size_t list_size(const value& list) {
  const auto* values = list.as<value_list>();
  return values != nullptr ? values->size() : list.as<string_list>()->size();
}

value_ptr list_element(const value_ptr& list, std::size_t index) {
  if (const auto* values = list->as<value_list>()) return share_part(list, (*values)[index]);
  return share(value((*list->as<string_list>())[index]));
}

const value* map_find(const value_map& map, std::string_view name) {
  const auto it = std::ranges::find_if(map, [&](const auto& entry) { return entry.first == name; });
  return it == map.end() ? nullptr : &it->second;
}

namespace {

// -1: absent. Java's equals, so 1 and "1" differ; integers of different width are held to be equal.
std::int64_t index_of(const value& list, const value& wanted) {
  const auto equal = [&](const value& v) {
    if (is_integral(v) && is_integral(wanted)) return to_integer(v).value_or(0) == to_integer(wanted).value_or(1);
    return v == wanted;
  };
  if (const auto* values = list.as<value_list>()) {
    const auto it = std::ranges::find_if(*values, equal);
    return it == values->end() ? -1 : it - values->begin();
  }
  const auto* text = wanted.as<std::string>();
  const auto& strings = *list.as<string_list>();
  const auto it = text != nullptr ? std::ranges::find(strings, *text) : strings.end();
  return it == strings.end() ? -1 : it - strings.begin();
}

}  // namespace

result<value_ptr> call_on_list(const value_ptr& list, std::string_view method, const arguments& args) {
  const auto size = list_size(*list);
  if (args.empty()) {
    if (method == "size") return share(value(static_cast<std::int64_t>(size)));
    if (method == "isEmpty") return share(value(size == 0));
    if (method == "getFirst" || method == "getLast") {
      if (size == 0) return fail(errc::evaluation, fmt::format("{}: the list is empty", method));
      return list_element(list, method == "getFirst" ? 0 : size - 1);
    }
  } else if (args.size() == 1) {
    if (method == "contains") return share(value(index_of(*list, *args[0]) >= 0));
    if (method == "indexOf") return share(value(index_of(*list, *args[0])));
    if (method == "get") {
      const auto index = TRY(to_integer(*args[0]));
      if (index < 0 || static_cast<std::size_t>(index) >= size)
        return fail(errc::evaluation, fmt::format("index {} is out of range for a list of {} element(s)", index, size));
      return list_element(list, static_cast<std::size_t>(index));
    }
  }
  return no_method(*list, method, args.size());
}

result<value_ptr> call_on_map(const value_ptr& base, std::string_view method, const arguments& args) {
  const auto& map = *base->as<value_map>();
  const auto* name = !args.empty() ? args[0]->as<std::string>() : nullptr;
  const auto* found = name != nullptr ? map_find(map, *name) : nullptr;
  if (args.size() == 1 && method == "containsKey") return share(value(found != nullptr));
  if (args.size() == 1 && method == "get") return found != nullptr ? share_part(base, *found) : share({});
  if (args.size() == 1 && method == "containsValue")
    return share(value(std::ranges::any_of(map, [&](const auto& entry) { return entry.second == *args[0]; })));
  if (args.size() == 2 && method == "getOrDefault") return found != nullptr ? share_part(base, *found) : args[1];
  if (args.empty()) {
    if (method == "size") return share(value(static_cast<std::int64_t>(map.size())));
    if (method == "isEmpty") return share(value(map.empty()));
    if (method == "keySet") {
      string_list names;
      for (const auto& entry : map) names.push_back(entry.first);
      return share(value(std::move(names)));
    }
    if (method == "values") {
      value_list values;
      for (const auto& entry : map) values.push_back(entry.second);
      return share(value(std::move(values)));
    }
  }
  // Elements of a resource are maps here: getFamily(), hasFamily().
  return call_on_domain(base, method, args);
}

}  // namespace dsf::bpmn::el
