// Precedence climbing over FHIRPath N1, 6.8 and appendix A.
#include "fhir/path/parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "fhir/path/functions.hpp"
#include "fhir/path/lexer.hpp"
#include "fhir/path/pattern.hpp"

namespace dsf::fhir::path {
namespace {

struct binary {
  std::string_view text;
  op kind;
  int level;  // higher binds tighter
};
constexpr int type_level = 8;
constexpr binary operators[] = {{"implies", op::implies, 1}, {"or", op::logical_or, 2},
                                {"xor", op::logical_xor, 2}, {"and", op::logical_and, 3},
                                {"in", op::in, 4},           {"contains", op::contains, 4},
                                {"=", op::equal, 5},         {"~", op::equivalent, 5},
                                {"!=", op::not_equal, 5},    {"!~", op::not_equivalent, 5},
                                {"<", op::less, 6},          {"<=", op::less_or_equal, 6},
                                {">", op::greater, 6},       {">=", op::greater_or_equal, 6},
                                {"|", op::unite, 7},         {"is", op::is, type_level},
                                {"as", op::as, type_level},  {"+", op::add, 9},
                                {"-", op::subtract, 9},      {"&", op::concatenate, 9},
                                {"*", op::multiply, 10},     {"/", op::divide, 10},
                                {"div", op::div, 10},        {"mod", op::mod, 10}};

constexpr std::string_view reserved[] = {"and", "or", "xor", "implies", "div", "mod", "true", "false"};

class parser {
public:
  parser(std::string_view text, const compile_limits& limits) : text_(text), limits_(limits), lexer_(text) {}

  result<syntax> whole() {
    TRY(advance());
    auto out = TRY(binary_above(0));
    if (current_.kind != token_kind::end) return error(fmt::format("unexpected {}", shown(current_)));
    return out;
  }

private:
  static std::string shown(const token& t) { return t.kind == token_kind::end ? "end of the expression" : fmt::format("'{}'", t.text); }

  base::failure error(std::string what) const { return error(errc::syntax, std::move(what), current_.at); }
  base::failure error(errc code, std::string what, std::size_t at) const { return fail(code, std::move(what), place_of(text_, at)); }

  result<void> advance() {
    current_ = TRY(lexer_.next());
    return {};
  }

  result<void> expect(std::string_view symbol) {
    if (!current_.is(symbol)) return error(fmt::format("'{}' expected instead of {}", symbol, shown(current_)));
    return advance();
  }

  // Both the parser's own recursion and the evaluator's along the tree are bounded.
  struct level_guard {
    std::size_t& depth;
    ~level_guard() { --depth; }
  };
  result<void> enter() {
    if (++nesting_ > limits_.depth) {
      --nesting_;
      return error(errc::limit, fmt::format("the expression nests deeper than {}", limits_.depth), current_.at);
    }
    return {};
  }

  result<syntax> node(op kind, std::size_t at, std::vector<syntax> operands, std::string text = {}) {
    syntax out;
    out.kind = kind;
    out.at = static_cast<std::uint32_t>(at);
    out.text = std::move(text);
    std::size_t deepest = 0;
    for (const auto& o : operands) deepest = std::max<std::size_t>(deepest, o.depth);
    if (deepest >= limits_.depth)
      return error(errc::limit, fmt::format("more than {} operators stand one inside the other or in a chain", limits_.depth), at);
    out.depth = static_cast<std::uint16_t>(deepest + 1);
    out.operands = std::move(operands);
    return out;
  }

  static std::vector<syntax> list(syntax a) {
    std::vector<syntax> out;
    out.push_back(std::move(a));
    return out;
  }
  static std::vector<syntax> list(syntax a, syntax b) {
    auto out = list(std::move(a));
    out.push_back(std::move(b));
    return out;
  }

  const binary* current_operator() const {
    if (current_.kind != token_kind::symbol && current_.kind != token_kind::identifier) return nullptr;
    const auto it = std::ranges::find(operators, current_.text, &binary::text);
    return it == std::end(operators) ? nullptr : it;
  }

  result<syntax> binary_above(int level) {
    TRY(enter());
    const level_guard guard{nesting_};
    auto left = TRY(unary());
    for (;;) {
      const auto* o = current_operator();
      if (!o || o->level <= level) return left;
      const auto at = current_.at;
      TRY(advance());
      if (o->level == type_level) {
        const auto type = TRY(type_specifier());
        left = TRY(node(o->kind, at, list(std::move(left))));
        left.type = type;
      } else {
        auto right = TRY(binary_above(o->level));
        left = TRY(node(o->kind, at, list(std::move(left), std::move(right))));
      }
    }
  }

  result<syntax> unary() {
    if (!current_.is("+") && !current_.is("-")) return postfix();
    TRY(enter());
    const level_guard guard{nesting_};
    const bool minus = current_.is("-");
    const auto at = current_.at;
    TRY(advance());
    // The one Integer whose positive form does not exist.
    if (minus && current_.kind == token_kind::number && current_.text == "2147483648") {
      auto out = TRY(node(op::literal, at, {}));
      out.value = std::numeric_limits<std::int32_t>::min();
      TRY(advance());
      return out;
    }
    auto operand = TRY(unary());
    return node(minus ? op::minus : op::plus, at, list(std::move(operand)));
  }

  result<syntax> postfix() {
    auto left = TRY(term());
    for (;;) {
      const auto at = current_.at;
      if (current_.is(".")) {
        TRY(advance());
        left = TRY(invocation(std::optional(std::move(left))));
      } else if (current_.is("[")) {
        TRY(advance());
        auto index = TRY(binary_above(0));
        TRY(expect("]"));
        left = TRY(node(op::at, at, list(std::move(left), std::move(index))));
      } else {
        return left;
      }
    }
  }

  result<syntax> term() {
    const auto at = current_.at;
    switch (current_.kind) {
      case token_kind::string: {
        auto out = TRY(node(op::literal, at, {}));
        out.value = std::move(current_.text);
        TRY(advance());
        return out;
      }
      case token_kind::number: return number();
      case token_kind::date:
      case token_kind::date_time:
      case token_kind::time: return temporal_literal();
      case token_kind::symbol: break;
      case token_kind::identifier:
        if (current_.text == "true" || current_.text == "false") {
          auto out = TRY(node(op::literal, at, {}));
          out.value = current_.text == "true";
          TRY(advance());
          return out;
        }
        [[fallthrough]];
      case token_kind::delimited:
      case token_kind::dollar: return invocation({});
      case token_kind::end: return error("an expression expected instead of the end");
    }
    if (current_.is("(")) {
      TRY(advance());
      auto inner = TRY(binary_above(0));
      TRY(expect(")"));
      return inner;
    }
    if (current_.is("{")) {
      TRY(advance());
      TRY(expect("}"));
      return node(op::literal, at, {});
    }
    if (current_.is("%")) {
      TRY(advance());
      if (current_.kind != token_kind::identifier && current_.kind != token_kind::delimited && current_.kind != token_kind::string)
        return error("the name of a variable expected after %");
      auto out = TRY(node(op::variable, at, {}, std::move(current_.text)));
      TRY(advance());
      return out;
    }
    return error(fmt::format("an expression expected instead of {}", shown(current_)));
  }

  result<syntax> number() {
    auto out = TRY(node(op::literal, current_.at, {}));
    const auto value = decimal::parse(current_.text);
    if (!value) return error(errc::limit, fmt::format("a number has more than {} digits", decimal::max_digits), current_.at);
    const bool whole = current_.text.find('.') == std::string::npos;
    const auto at = current_.at;
    TRY(advance());
    if (current_.kind == token_kind::string) {
      out.value = make_item({*value, std::move(current_.text), false});
      TRY(advance());
      return out;
    }
    if (current_.kind == token_kind::identifier)
      if (const auto unit = calendar_unit(current_.text); !unit.empty()) {
        out.value = make_item({*value, std::string(unit), true});
        TRY(advance());
        return out;
      }
    if (!whole) {
      out.value = *value;
      return out;
    }
    const auto integer = value->as_integer();
    if (!integer) return error(errc::syntax, "an Integer is at most 2147483647; write a Decimal with a point for more", at);
    out.value = *integer;
    return out;
  }

  result<syntax> temporal_literal() {
    const auto kind = current_.kind == token_kind::time        ? temporal_kind::time
                      : current_.kind == token_kind::date_time ? temporal_kind::date_time
                                                               : temporal_kind::date;
    auto out = TRY(node(op::literal, current_.at, {}));
    const auto value = temporal::parse(current_.text, kind);
    if (!value) return error(fmt::format("'{}' is no date or time", current_.text));
    out.value = *value;
    TRY(advance());
    return out;
  }

  result<syntax> invocation(std::optional<syntax> input) {
    const auto at = current_.at;
    if (current_.kind == token_kind::dollar) {
      if (input) return error(fmt::format("{} can't follow a point", shown(current_)));
      const auto kind = current_.text == "$this" ? op::self : current_.text == "$index" ? op::index : op::total;
      if (kind == op::total && current_.text != "$total") return error("known are $this, $index and $total");
      TRY(advance());
      return node(kind, at, {});
    }
    const bool plain = current_.kind == token_kind::identifier;
    if (!plain && current_.kind != token_kind::delimited) return error(fmt::format("a name expected instead of {}", shown(current_)));
    if (plain && std::ranges::find(reserved, current_.text) != std::end(reserved))
      return error(fmt::format("{} is a reserved word; write it as `{}` to use it as a name", shown(current_), current_.text));
    auto name = std::move(current_.text);
    TRY(advance());
    if (current_.is("(")) return call(std::move(input), std::move(name), at);
    if (!input) return node(op::start_member, at, {}, std::move(name));
    return node(op::member, at, list(std::move(*input)), std::move(name));
  }

  result<syntax> call(std::optional<syntax> input, std::string name, std::size_t at) {
    const auto* found = find_function(name);
    if (!found) return error(errc::unknown_name, fmt::format("there is no function {}()", name), at);
    TRY(advance());
    auto operands = list(input ? std::move(*input) : TRY(node(op::self, at, {})));
    std::optional<type_name> type;
    if (found->takes_type) {
      type = TRY(type_specifier());
    } else if (!current_.is(")")) {
      for (;;) {
        operands.push_back(TRY(binary_above(0)));
        if (!current_.is(",")) break;
        TRY(advance());
      }
    }
    TRY(expect(")"));
    const auto arguments = operands.size() - 1;
    if (!found->takes_type && (arguments < found->min_arguments || arguments > found->max_arguments))
      return error(errc::syntax,
                   found->min_arguments == found->max_arguments
                       ? fmt::format("{}() takes {} argument(s), not {}", name, found->min_arguments, arguments)
                       : fmt::format("{}() takes {} to {} arguments, not {}", name, found->min_arguments, found->max_arguments, arguments),
                   at);
    auto out = TRY(node(op::call, at, std::move(operands), std::move(name)));
    out.function = found;
    if (type) out.type = *type;
    if (found->takes_pattern && out.operands[1].kind == op::literal && out.operands[1].value)
      if (const auto* text = std::get_if<std::string>(&*out.operands[1].value)) out.pattern = pattern::compile(*text, found->whole_match);
    return out;
  }

  // FHIR.Patient, System.String, Quantity, FHIR.`Patient`
  result<type_name> type_specifier() {
    const auto at = current_.at;
    std::string name_space, name;
    for (int part = 0;; ++part) {
      if (current_.kind != token_kind::identifier && current_.kind != token_kind::delimited)
        return error(fmt::format("the name of a type expected instead of {}", shown(current_)));
      if (part == 1) name_space = std::move(name);
      name = std::move(current_.text);
      TRY(advance());
      if (part == 1 || !current_.is(".")) break;
      TRY(advance());
    }
    const auto type = type_name::find(name_space, name);
    if (!type)
      return error(errc::unknown_name, fmt::format("there is no type {}{}{}", name_space, name_space.empty() ? "" : ".", name), at);
    return *type;
  }

  std::string_view text_;
  const compile_limits& limits_;
  lexer lexer_;
  token current_;
  std::size_t nesting_ = 0;
};

}  // namespace

result<syntax> parse(std::string_view text, const compile_limits& limits) {
  if (text.size() > limits.text_bytes)
    return fail(errc::limit, fmt::format("the expression has {} bytes; at most {} are taken", text.size(), limits.text_bytes));
  return parser(text, limits).whole();
}

}  // namespace dsf::fhir::path
