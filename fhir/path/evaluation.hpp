// One run of an expression; private to this room.
#pragma once

#include <functional>

#include "fhir/path/environment.hpp"
#include "fhir/path/errc.hpp"
#include "fhir/path/syntax.hpp"

namespace dsf::fhir::path {

using base::fail;

// What $this, $index and $total are.
struct scope {
  const collection* self = nullptr;
  const collection* total = nullptr;
  std::int32_t index = 0;
  bool iterating = false;
};

class evaluation {
public:
  evaluation(const environment& with, std::string_view text, const collection& context) : with_(with), text_(text), context_(context) {}

  result<collection> run(const syntax& s, const scope& in);

  const environment& with() const { return with_; }
  // Counts work against the limit.
  result<void> spend(std::size_t steps);
  result<void> room_for(const collection& c) const;
  base::failure error(errc code, std::string what, const syntax& at) const;
  std::string place(const syntax& at) const;

private:
  result<collection> start_member(const syntax& s, const scope& in);
  result<collection> variable(const syntax& s);
  result<collection> element_at(const syntax& s, const scope& in);
  result<collection> binary(const syntax& s, const scope& in);
  result<collection> logical(const syntax& s, const scope& in);
  result<collection> type_operator(const syntax& s, const scope& in);

  const environment& with_;
  std::string_view text_;
  const collection& context_;            // %context
  std::size_t steps_ = 0;
};

// A function at work.
struct call {
  evaluation& run;
  const syntax& node;
  const scope& in;
  collection input;

  [[nodiscard]] std::size_t arguments() const { return node.operands.size() - 1; }
  // The argument (from 0) in the scope of the call.
  result<collection> argument(std::size_t n) { return run.run(node.operands[n + 1], in); }
  // The argument for each item, as $this with its $index; `take` returns false to stop.
  result<void> each(std::size_t n, const std::function<result<bool>(const item&, collection)>& take);
  // A single argument of a type; empty gives nothing.
  result<std::optional<std::string>> text_argument(std::size_t n);
  result<std::optional<std::int32_t>> integer_argument(std::size_t n);
  // The input as a single System value; nothing for an empty one.
  result<std::optional<item>> single();
  result<std::optional<std::string>> single_text();
  base::failure error(errc code, std::string what) const { return run.error(code, std::move(what), node); }
};

inline collection one(item i) {
  collection out;
  out.push_back(std::move(i));
  return out;
}

// N1, 4.5: the item of a collection of at most one, as a Boolean.
result<std::optional<bool>> boolean_of(const evaluation& run, const collection& c, const syntax& at);
// The System value of a collection of at most one item.
result<std::optional<item>> single_of(const evaluation& run, const collection& c, const syntax& at);
// Strings and what converts to them implicitly.
const std::string* string_in(const item& i);
std::optional<decimal> number_in(const item& i);   // Integer or Decimal

}  // namespace dsf::fhir::path
