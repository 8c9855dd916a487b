// FHIRPath N1: 5.2 filtering, 5.3 subsetting, 5.4 combining, 5.8 tree, 7 aggregates, and the functional forms of 6.3 and 6.4.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "fhir/path/compare.hpp"
#include "fhir/path/functions.hpp"

namespace dsf::fhir::path {
namespace {

void append(collection& out, collection more) {
  out.insert(out.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

result<collection> where(call& c) {
  collection out;
  TRY(c.each(0, [&](const item& i, collection r) -> result<bool> {
    if (TRY(boolean_of(c.run, r, c.node)).value_or(false)) out.push_back(i);
    return true;
  }));
  return out;
}

result<collection> select(call& c) {
  collection out;
  TRY(c.each(0, [&](const item&, collection r) -> result<bool> {
    append(out, std::move(r));
    TRY(c.run.spend(1));
    TRY(c.run.room_for(out));
    return true;
  }));
  return out;
}

// 5.2.3: until nothing new comes up. An item counts as new if no equal one came before, wherever the two stand.
result<collection> repeat(call& c) {
  collection out;
  auto work = std::move(c.input);
  while (!work.empty()) {
    c.input = std::move(work);
    work.clear();
    collection found;
    TRY(c.each(0, [&](const item&, collection r) -> result<bool> {
      append(found, std::move(r));
      TRY(c.run.room_for(found));
      return true;
    }));
    for (auto& i : found) {
      // Most comparisons end at the first member that differs, so that they cost less than a step.
      TRY(c.run.spend(1 + out.size() / 16));
      if (std::ranges::any_of(out, [&](const item& o) { return equal(o, i).value_or(false); })) continue;
      out.push_back(i);
      work.push_back(std::move(i));
    }
    TRY(c.run.room_for(out));
  }
  return out;
}

result<collection> of_type(call& c) {
  std::erase_if(c.input, [&](const item& i) { return !is_a(i, c.node.type); });
  return std::move(c.input);
}

result<collection> as_type(call& c) {
  if (c.input.size() > 1 && c.run.with().strict_as)
    return c.error(errc::cardinality, fmt::format("as() takes one item, not {}", c.input.size()));
  return of_type(c);
}

result<collection> is_type(call& c) {
  if (c.input.empty()) return collection{};
  if (c.input.size() > 1) return c.error(errc::cardinality, fmt::format("is() takes one item, not {}", c.input.size()));
  return one(is_a(c.input[0], c.node.type));
}

result<collection> single(call& c) {
  if (c.input.size() > 1) return c.error(errc::cardinality, fmt::format("single() found {} items", c.input.size()));
  return std::move(c.input);
}

// The items from `from` up to `to`, as far as they exist.
collection slice(collection in, std::int64_t from, std::int64_t to) {
  const auto size = static_cast<std::int64_t>(in.size());
  from = std::clamp<std::int64_t>(from, 0, size);
  to = std::clamp<std::int64_t>(to, from, size);
  in.erase(in.begin() + to, in.end());
  in.erase(in.begin(), in.begin() + from);
  return in;
}

result<collection> first(call& c) { return slice(std::move(c.input), 0, 1); }
result<collection> tail(call& c) { return slice(std::move(c.input), 1, INT32_MAX); }
result<collection> last(call& c) {
  const auto n = static_cast<std::int64_t>(c.input.size());
  return slice(std::move(c.input), n - 1, n);
}
result<collection> skip(call& c) {
  const auto n = TRY(c.integer_argument(0));
  return n ? slice(std::move(c.input), *n, INT32_MAX) : std::move(c.input);
}
result<collection> take(call& c) {
  const auto n = TRY(c.integer_argument(0));
  return n ? slice(std::move(c.input), 0, *n) : collection{};
}

result<collection> intersect(call& c) {
  const auto other = TRY(c.argument(0));
  collection out;
  for (auto& i : c.input)
    if (TRY(holds(c.run, other, i)) && !TRY(holds(c.run, out, i))) out.push_back(std::move(i));
  return out;
}
// Duplicates and the order stay.
result<collection> exclude(call& c) {
  const auto other = TRY(c.argument(0));
  collection out;
  for (auto& i : c.input)
    if (!TRY(holds(c.run, other, i))) out.push_back(std::move(i));
  return out;
}
result<collection> unite(call& c) {
  append(c.input, TRY(c.argument(0)));
  TRY(c.run.room_for(c.input));
  return distinct(c.run, std::move(c.input));
}
result<collection> combine(call& c) {
  append(c.input, TRY(c.argument(0)));
  return std::move(c.input);
}

result<collection> children(call& c) {
  collection out;
  for (const auto& i : c.input) append_all_children(i, out);
  TRY(c.run.spend(out.size()));
  return out;
}

// With an explicit list of what is left to do, in the order of repeat(children()).
result<collection> descendants(call& c) {
  collection out;
  for (const auto& i : c.input) append_all_children(i, out);
  for (std::size_t at = 0; at < out.size(); ++at) {
    TRY(c.run.spend(1));
    const item i = out[at];  // the vector may move
    append_all_children(i, out);
    TRY(c.run.room_for(out));
  }
  return out;
}

// 7.1
result<collection> aggregate(call& c) {
  auto total = c.arguments() > 1 ? TRY(c.argument(1)) : collection{};
  collection self(1);
  scope inner;
  inner.self = &self;
  inner.iterating = true;
  for (const auto& i : c.input) {
    self[0] = i;
    inner.total = &total;
    auto next = TRY(c.run.run(c.node.operands[1], inner));
    total = std::move(next);
    ++inner.index;
  }
  return total;
}

constexpr std::array table{
    function{"where", 1, 1, where},         function{"select", 1, 1, select},
    function{"repeat", 1, 1, repeat},       function{"ofType", 0, 0, of_type, true},
    function{"as", 0, 0, as_type, true},    function{"is", 0, 0, is_type, true},
    function{"single", 0, 0, single},       function{"first", 0, 0, first},
    function{"last", 0, 0, last},           function{"tail", 0, 0, tail},
    function{"skip", 1, 1, skip},           function{"take", 1, 1, take},
    function{"intersect", 1, 1, intersect}, function{"exclude", 1, 1, exclude},
    function{"union", 1, 1, unite},         function{"combine", 1, 1, combine},
    function{"children", 0, 0, children},   function{"descendants", 0, 0, descendants},
    function{"aggregate", 1, 2, aggregate},
};

}  // namespace

std::span<const function> filtering_functions() { return table; }

}  // namespace dsf::fhir::path
