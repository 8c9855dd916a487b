#include "fhir/path/evaluation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/path/arithmetic.hpp"
#include "fhir/path/compare.hpp"
#include "fhir/path/functions.hpp"
#include "fhir/path/lexer.hpp"

namespace dsf::fhir::path {
namespace {

collection boolean(std::optional<bool> v) { return v ? one(*v) : collection{}; }

std::optional<bool> inverted(std::optional<bool> v) { return v ? std::optional(!*v) : v; }

// N1, 9 and R4 fhirpath.html: the constants that every evaluation has.
std::optional<std::string> constant(std::string_view name) {
  if (name == "ucum") return "http://unitsofmeasure.org";
  if (name == "sct") return "http://snomed.info/sct";
  if (name == "loinc") return "http://loinc.org";
  if (name.starts_with("vs-")) return fmt::format("http://hl7.org/fhir/ValueSet/{}", name.substr(3));
  if (name.starts_with("ext-")) return fmt::format("http://hl7.org/fhir/StructureDefinition/{}", name.substr(4));
  return {};
}

}  // namespace

std::string evaluation::place(const syntax& at) const { return place_of(text_, at.at); }

base::failure evaluation::error(errc code, std::string what, const syntax& at) const {
  return fail(code, fmt::format("{} (in {})", what, text_.size() <= 200 ? text_ : text_.substr(0, 200)), place(at));
}

result<void> evaluation::spend(std::size_t steps) {
  steps_ += steps;
  if (steps_ > with_.limits.steps) return fail(errc::limit, fmt::format("the expression takes more than {} steps", with_.limits.steps));
  return {};
}

result<void> evaluation::room_for(const collection& c) const {
  if (c.size() > with_.limits.items) return fail(errc::limit, fmt::format("a collection has more than {} items", with_.limits.items));
  return {};
}

const std::string* string_in(const item& i) { return std::get_if<std::string>(&i); }

std::optional<decimal> number_in(const item& i) {
  if (const auto* n = std::get_if<std::int32_t>(&i)) return decimal(*n);
  if (const auto* d = std::get_if<decimal>(&i)) return *d;
  return {};
}

result<std::optional<item>> single_of(const evaluation& run, const collection& c, const syntax& at) {
  if (c.empty()) return std::optional<item>();
  if (c.size() > 1) return run.error(errc::cardinality, fmt::format("one item is needed here, not {}", c.size()), at);
  if (auto v = system_value(c[0])) return v;
  const auto* e = std::get_if<element>(&c[0]);
  if (e && e->type && e->type->kind == type_kind::primitive) return std::optional<item>();  // it has no value, only extensions
  return c[0];
}

result<std::optional<bool>> boolean_of(const evaluation& run, const collection& c, const syntax& at) {
  if (c.empty()) return std::optional<bool>();
  if (c.size() > 1) return run.error(errc::cardinality, fmt::format("a single Boolean is needed here, not {} items", c.size()), at);
  const auto v = system_value(c[0]);
  if (v && std::holds_alternative<bool>(*v)) return std::optional(std::get<bool>(*v));
  // A FHIR boolean without a value says nothing.
  const auto* e = std::get_if<element>(&c[0]);
  if (!v && e && e->type && e->type->primitive == primitive::boolean) return std::optional<bool>();
  return std::optional(true);  // a single item of another type counts as true
}

result<collection> evaluation::run(const syntax& s, const scope& in) {
  TRY(spend(1));
  switch (s.kind) {
    case op::literal: return s.value ? one(*s.value) : collection{};
    case op::self: return in.self ? *in.self : collection{};
    case op::index:
      if (!in.iterating) return error(errc::unknown_name, "$index has a meaning only inside where(), select() and the like", s);
      return one(in.index);
    case op::total:
      if (!in.total) return error(errc::unknown_name, "$total has a meaning only inside aggregate()", s);
      return *in.total;
    case op::variable: return variable(s);
    case op::start_member: return start_member(s, in);
    case op::member: {
      const auto input = TRY(run(s.operands[0], in));
      collection out;
      for (const auto& i : input) append_children(i, s.text, out);
      TRY(spend(input.size() + out.size()));
      TRY(room_for(out));
      return out;
    }
    case op::call: {
      call c{*this, s, in, TRY(run(s.operands[0], in))};
      auto out = TRY(s.function->run(c));
      TRY(room_for(out));
      return out;
    }
    case op::at: return element_at(s, in);
    case op::plus:
    case op::minus: {
      auto v = TRY(single_of(*this, TRY(run(s.operands[0], in)), s));
      if (!v) return collection{};
      auto out = TRY(negated(*this, s, *v));  // also says whether it is a number at all
      if (s.kind == op::plus) return one(std::move(*v));
      return out ? one(std::move(*out)) : collection{};
    }
    case op::is:
    case op::as: return type_operator(s, in);
    case op::logical_and:
    case op::logical_or:
    case op::logical_xor:
    case op::implies: return logical(s, in);
    default: return binary(s, in);
  }
}

// An identifier at the start of a path is a member, or the type of the context: Patient.name. N1, 3
result<collection> evaluation::start_member(const syntax& s, const scope& in) {
  collection out;
  if (!in.self) return out;
  for (const auto& i : *in.self) {
    const auto* e = std::get_if<element>(&i);
    if (e && e->type && s.text[0] >= 'A' && s.text[0] <= 'Z' && derives_from(*e->type, s.text))
      out.push_back(i);
    else
      append_children(i, s.text, out);
  }
  TRY(spend(in.self->size() + out.size()));
  TRY(room_for(out));
  return out;
}

result<collection> evaluation::variable(const syntax& s) {
  if (const auto it = with_.variables.find(s.text); it != with_.variables.end()) return it->second;
  if (s.text == "context") return context_;
  if (s.text == "resource") return with_.resource.value ? one(with_.resource) : collection{};
  if (s.text == "rootResource") return with_.root_resource.value ? one(with_.root_resource) : collection{};
  if (auto text = constant(s.text)) return one(std::move(*text));
  return error(errc::unknown_name, fmt::format("there is no variable %{}", s.text), s);
}

result<collection> evaluation::element_at(const syntax& s, const scope& in) {
  auto input = TRY(run(s.operands[0], in));
  const auto index = TRY(single_of(*this, TRY(run(s.operands[1], in)), s));
  if (!index) return collection{};
  const auto* n = std::get_if<std::int32_t>(&*index);
  if (!n) return error(errc::type, fmt::format("an index is an Integer, not {}", type_name_of(*index)), s);
  if (*n < 0 || static_cast<std::size_t>(*n) >= input.size()) return collection{};
  return one(std::move(input[static_cast<std::size_t>(*n)]));
}

result<collection> evaluation::type_operator(const syntax& s, const scope& in) {
  auto input = TRY(run(s.operands[0], in));
  if (s.kind == op::is) {
    if (input.empty()) return input;
    if (input.size() > 1) return error(errc::cardinality, fmt::format("'is' takes one item, not {}", input.size()), s);
    return one(is_a(input[0], s.type));
  }
  if (input.size() > 1 && with_.strict_as) return error(errc::cardinality, fmt::format("'as' takes one item, not {}", input.size()), s);
  std::erase_if(input, [&](const item& i) { return !is_a(i, s.type); });
  return input;
}

// N1, 6.5: three-valued. The right side is left alone when the left one decides.
result<collection> evaluation::logical(const syntax& s, const scope& in) {
  const auto left = TRY(boolean_of(*this, TRY(run(s.operands[0], in)), s));
  if (left) {
    if (s.kind == op::logical_and && !*left) return one(false);
    if (s.kind == op::logical_or && *left) return one(true);
    if (s.kind == op::implies && !*left) return one(true);
  }
  const auto right = TRY(boolean_of(*this, TRY(run(s.operands[1], in)), s));
  switch (s.kind) {
    case op::logical_and:
      if (right && !*right) return one(false);
      return left && right ? one(true) : collection{};
    case op::logical_or:
      if (right && *right) return one(true);
      return left && right ? one(false) : collection{};
    case op::implies:
      if (right && *right) return one(true);
      return left && right ? one(false) : collection{};
    default: return left && right ? one(*left != *right) : collection{};
  }
}

result<collection> evaluation::binary(const syntax& s, const scope& in) {
  auto left = TRY(run(s.operands[0], in));
  auto right = TRY(run(s.operands[1], in));
  switch (s.kind) {
    case op::unite: {
      left.insert(left.end(), std::make_move_iterator(right.begin()), std::make_move_iterator(right.end()));
      TRY(room_for(left));
      return distinct(*this, std::move(left));
    }
    case op::equal:
    case op::not_equal: {
      TRY(spend(std::min(left.size(), right.size())));
      const auto same = equal(left, right);
      return boolean(s.kind == op::equal ? same : inverted(same));
    }
    case op::equivalent: return one(TRY(equivalent(*this, left, right)));
    case op::not_equivalent: return one(!TRY(equivalent(*this, left, right)));
    case op::in:
    case op::contains: {
      const auto& item_side = s.kind == op::in ? left : right;
      const auto& list = s.kind == op::in ? right : left;
      if (item_side.empty()) return collection{};
      if (item_side.size() > 1) return error(errc::cardinality, "'in' and 'contains' look for one item", s);
      return one(TRY(holds(*this, list, item_side[0])));
    }
    case op::concatenate: {
      std::string out;
      for (const auto* side : {&left, &right}) {
        const auto v = TRY(single_of(*this, *side, s));
        if (!v) continue;
        const auto* text = string_in(*v);
        if (!text) return error(errc::type, fmt::format("& joins Strings, not {}", type_name_of(*v)), s);
        out += *text;
      }
      if (out.size() > with_.limits.text_bytes)
        return error(errc::limit, fmt::format("a string longer than {} bytes", with_.limits.text_bytes), s);
      return one(std::move(out));
    }
    case op::less:
    case op::less_or_equal:
    case op::greater:
    case op::greater_or_equal: {
      if (left.empty() || right.empty()) return collection{};
      if (left.size() > 1 || right.size() > 1) return error(errc::cardinality, "one item is compared with one", s);
      const auto o = order(left[0], right[0]);
      if (o.fault == ordering_fault::types)
        return error(errc::type, fmt::format("{} can't be compared with {}", type_name_of(left[0]), type_name_of(right[0])), s);
      if (!o.order) return collection{};
      const auto v = *o.order;
      return one(s.kind == op::less ? v < 0 : s.kind == op::less_or_equal ? v <= 0 : s.kind == op::greater ? v > 0 : v >= 0);
    }
    default: {
      const auto a = TRY(single_of(*this, left, s));
      const auto b = TRY(single_of(*this, right, s));
      if (!a || !b) return collection{};
      auto out = TRY(arithmetic(*this, s, *a, *b));
      return out ? one(std::move(*out)) : collection{};
    }
  }
}

result<void> call::each(std::size_t n, const std::function<result<bool>(const item&, collection)>& take) {
  collection self(1);
  scope inner;
  inner.self = &self;
  inner.total = in.total;
  inner.iterating = true;
  for (const auto& i : input) {
    self[0] = i;
    if (!TRY(take(i, TRY(run.run(node.operands[n + 1], inner))))) break;
    ++inner.index;
  }
  return {};
}

result<std::optional<std::string>> call::text_argument(std::size_t n) {
  auto v = TRY(single_of(run, TRY(argument(n)), node));
  if (!v) return std::optional<std::string>();
  if (auto* s = std::get_if<std::string>(&*v)) return std::optional(std::move(*s));
  return error(errc::type, fmt::format("{}() takes a String, not {}", node.text, type_name_of(*v)));
}

result<std::optional<std::int32_t>> call::integer_argument(std::size_t n) {
  const auto v = TRY(single_of(run, TRY(argument(n)), node));
  if (!v) return std::optional<std::int32_t>();
  if (const auto* i = std::get_if<std::int32_t>(&*v)) return std::optional(*i);
  return error(errc::type, fmt::format("{}() takes an Integer, not {}", node.text, type_name_of(*v)));
}

result<std::optional<item>> call::single() { return single_of(run, input, node); }

result<std::optional<std::string>> call::single_text() {
  auto v = TRY(single());
  if (!v) return std::optional<std::string>();
  if (auto* s = std::get_if<std::string>(&*v)) return std::optional(std::move(*s));
  return error(errc::type, fmt::format("{}() is a function of a String, not of {}", node.text, type_name_of(*v)));
}

}  // namespace dsf::fhir::path
