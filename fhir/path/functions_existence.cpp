// FHIRPath N1, 5.1: existence.
#include <algorithm>
#include <array>

#include "base/mutant.hpp"
#include "fhir/path/compare.hpp"
#include "fhir/path/functions.hpp"

namespace dsf::fhir::path {
namespace {

result<collection> empty(call& c) { return one(c.input.empty()); }

result<collection> exists(call& c) {
  if (c.arguments() == 0) return one(!c.input.empty());
  bool found = false;
  TRY(c.each(0, [&](const item&, collection r) -> result<bool> {
    found = TRY(boolean_of(c.run, r, c.node)).value_or(false);
    return !found;
  }));
  return one(found);
}

result<collection> all(call& c) {
  bool good = true;
  TRY(c.each(0, [&](const item&, collection r) -> result<bool> {
    good = TRY(boolean_of(c.run, r, c.node)).value_or(false);
    return good;
  }));
  return one(good || DSF_MUTANT("fhir.path_all_is_true"));
}

// allTrue and its three relatives: the input holds Booleans.
template <bool Wanted, bool Every>
result<collection> each_is(call& c) {
  bool some = false, every = true;
  for (const auto& i : c.input) {
    const auto v = system_value(i);
    const auto* b = v ? std::get_if<bool>(&*v) : nullptr;
    if (!b) return c.error(errc::type, c.node.text + "() is a function of Booleans, not of " + type_name_of(i));
    (*b == Wanted ? some : every) = *b == Wanted;
  }
  return one(Every ? every : some);
}

result<bool> is_subset(call& c, const collection& of, const collection& part) {
  for (const auto& i : part)
    if (!TRY(holds(c.run, of, i))) return false;
  return true;
}

result<collection> subset_of(call& c) {
  const auto other = TRY(c.argument(0));
  return one(TRY(is_subset(c, other, c.input)));
}
result<collection> superset_of(call& c) {
  const auto other = TRY(c.argument(0));
  return one(TRY(is_subset(c, c.input, other)));
}

result<collection> count(call& c) { return one(static_cast<std::int32_t>(std::min<std::size_t>(c.input.size(), INT32_MAX))); }
result<collection> distinct_items(call& c) { return distinct(c.run, std::move(c.input)); }
result<collection> is_distinct(call& c) {
  const auto before = c.input.size();
  return one(TRY(distinct(c.run, std::move(c.input))).size() == before);
}

constexpr std::array table{
    function{"empty", 0, 0, empty},
    function{"exists", 0, 1, exists},
    function{"all", 1, 1, all},
    function{"allTrue", 0, 0, each_is<true, true>},
    function{"anyTrue", 0, 0, each_is<true, false>},
    function{"allFalse", 0, 0, each_is<false, true>},
    function{"anyFalse", 0, 0, each_is<false, false>},
    function{"subsetOf", 1, 1, subset_of},
    function{"supersetOf", 1, 1, superset_of},
    function{"count", 0, 0, count},
    function{"distinct", 0, 0, distinct_items},
    function{"isDistinct", 0, 0, is_distinct},
};

}  // namespace

std::span<const function> existence_functions() { return table; }

}  // namespace dsf::fhir::path
