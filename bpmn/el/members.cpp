#include "bpmn/el/members.hpp"

#include <fmt/format.h>

#include "bpmn/el/coerce.hpp"
#include "bpmn/el/operators.hpp"
#include "bpmn/errc.hpp"

namespace dsf::bpmn::el {

using base::fail;
using base::result;

base::failure no_property(const value& base, std::string_view name) {
  return fail(errc::evaluation, fmt::format("Could not find property {} in a value of type {}", name, type_name(base)));
}
base::failure no_method(const value& base, std::string_view name, std::size_t arguments) {
  return fail(errc::evaluation,
              fmt::format("Could not find method {} with {} argument(s) in a value of type {}", name, arguments, type_name(base)));
}
result<> expect_arguments(std::string_view method, const arguments& args, std::size_t wanted) {
  if (args.size() == wanted) return {};
  return fail(errc::evaluation, fmt::format("method {} takes {} argument(s), {} given", method, wanted, args.size()));
}

std::string accessor_property(std::string_view method, std::string_view prefix) {
  if (!method.starts_with(prefix) || method.size() <= prefix.size()) return {};
  const char first = method[prefix.size()];
  if (first < 'A' || first > 'Z') return {};
  std::string out(method.substr(prefix.size()));
  out[0] = static_cast<char>(first + ('a' - 'A'));
  return out;
}

namespace {

// ListELResolver.toIndex
result<std::int64_t> to_index(const value& key) {
  if (const auto* b = key.as<bool>()) return *b ? 1 : 0;
  if (is_numeric(key)) return to_integer(key);
  if (const auto* s = key.as<std::string>(); s != nullptr && !s->empty()) {
    if (auto n = to_integer(key)) return *n;
    return fail(errc::evaluation, fmt::format("Cannot parse list index: {}", *s));
  }
  return fail(errc::evaluation, fmt::format("a value of type {} is no list index", type_name(key)));
}

// Methods every Java object has, and those of numbers, booleans and dates.
result<value_ptr> call_on_scalar(const value& base, std::string_view method, const arguments& args) {
  if (method == "toString" && args.empty()) return share(value(TRY(to_text(base))));
  if (method == "equals" && args.size() == 1) return share(value(base == *args[0]));  // no coercion: Java's equals
  if (is_numeric(base) && args.empty()) {
    if (method == "intValue" || method == "longValue") return share(value(TRY(to_integer(base))));
    if (method == "doubleValue") return share(value(TRY(to_double(base))));
  }
  if (is_numeric(base) && args.size() == 1 && is_numeric(*args[0]) && method == "compareTo") {
    const bool less = TRY(compare(operation::lt, base, *args[0]));
    const bool greater = TRY(compare(operation::gt, base, *args[0]));
    return share(value(std::int64_t{greater} - std::int64_t{less}));
  }
  if (base.as<bool>() != nullptr && method == "booleanValue" && args.empty()) return share(base);
  if (const auto* t = base.as<base::timestamp>()) {
    if (method == "getTime" && args.empty()) return share(value(t->us / base::us_per_ms));
    const auto* other = args.size() == 1 ? args[0]->as<base::timestamp>() : nullptr;
    if (other != nullptr && method == "before") return share(value(*t < *other));
    if (other != nullptr && method == "after") return share(value(*t > *other));
  }
  return no_method(base, method, args.size());
}

}  // namespace

result<value_ptr> property_of(const value_ptr& base, const value& key) {
  if (is_list(*base)) {
    const auto index = TRY(to_index(key));
    // ListELResolver: out of range is null, no error.
    if (index < 0 || static_cast<std::size_t>(index) >= list_size(*base)) return share({});
    return list_element(base, static_cast<std::size_t>(index));
  }
  if (const auto* map = base->as<value_map>()) {
    const auto* name = key.as<std::string>();
    const auto* found = name != nullptr ? map_find(*map, *name) : nullptr;
    return found != nullptr ? share_part(base, *found) : share({});
  }
  const auto name = TRY(to_text(key));
  if (base->as<base::timestamp>() != nullptr && name == "time") return call_on_scalar(*base, "getTime", {});
  return domain_property(base, name);
}

result<value_ptr> call_on(const value_ptr& base, std::string_view method, const arguments& args) {
  if (const auto* text = base->as<std::string>()) return call_on_text(*text, method, args);
  if (method == "equals" || method == "toString") return call_on_scalar(*base, method, args);
  if (is_list(*base)) return call_on_list(base, method, args);
  if (base->as<value_map>() != nullptr) return call_on_map(base, method, args);
  if (is_numeric(*base) || base->as<bool>() != nullptr || base->as<base::timestamp>() != nullptr)
    return call_on_scalar(*base, method, args);
  return call_on_domain(base, method, args);
}

}  // namespace dsf::bpmn::el
