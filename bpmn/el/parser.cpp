// Grammar of EL 2.1, chapter 1.19, as far as engine 2c has it. Lowest precedence first:
//   expression := or ('?' expression ':' expression)?
//   or   := and  (('||'|or)  and)*        and := eq  (('&&'|and) eq)*
//   eq   := cmp  (('=='|eq|'!='|ne) cmp)* cmp := sum (('<'|lt|'<='|le|'>'|gt|'>='|ge) sum)*
//   sum  := product (('+'|'-') product)*  product := unary (('*'|'/'|div|'%'|mod) unary)*
//   unary := ('!'|not|'-'|empty) unary | path
//   path := (identifier | function '(' arguments ')' | literal | '(' expression ')') ('.' identifier | '[' expression ']' | '(' arguments ')')*
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

#include "bpmn/el/scanner.hpp"
#include "bpmn/el/syntax.hpp"
#include "bpmn/errc.hpp"

namespace dsf::bpmn::el {
namespace {

using base::fail;
using base::result;

struct operator_row {
  symbol sign;
  operation op;
  int level;
};
constexpr int lowest_level = 0;
constexpr int level_count = 6;
constexpr std::array<operator_row, 13> operators{{
    {symbol::or_, operation::or_, 0},
    {symbol::and_, operation::and_, 1},
    {symbol::eq, operation::eq, 2},
    {symbol::ne, operation::ne, 2},
    {symbol::lt, operation::lt, 3},
    {symbol::le, operation::le, 3},
    {symbol::gt, operation::gt, 3},
    {symbol::ge, operation::ge, 3},
    {symbol::plus, operation::add, 4},
    {symbol::minus, operation::sub, 4},
    {symbol::times, operation::mul, 5},
    {symbol::div, operation::div, 5},
    {symbol::mod, operation::mod, 5},
}};

class parser {
public:
  explicit parser(std::vector<token> tokens) : tokens_(std::move(tokens)) {}

  result<syntax> run() {
    syntax out;
    while (peek() != symbol::eof) {
      if (peek() == symbol::text) {
        out.parts.push_back({next().text, nullptr});
        continue;
      }
      next();  // ${
      auto t = TRY(expression());
      TRY(expect(symbol::end, "'}'"));
      out.parts.push_back({{}, std::move(t)});
    }
    out.writes = writes_;
    return out;
  }

private:
  symbol peek(std::size_t ahead = 0) const { return at_ + ahead < tokens_.size() ? tokens_[at_ + ahead].is : symbol::eof; }
  const token& next() { return tokens_[at_ < tokens_.size() - 1 ? at_++ : at_]; }
  base::failure unexpected(std::string_view wanted) const {
    const auto& t = tokens_[at_];
    const auto found = t.is == symbol::eof ? std::string("the end") : t.is == symbol::text ? std::string("text") : "'" + t.text + "'";
    return fail(errc::bad_expression, fmt::format("{} expected but {} found at offset {}", wanted, found, t.offset));
  }
  result<> expect(symbol s, std::string_view wanted) {
    if (peek() != s) return unexpected(wanted);
    next();
    return {};
  }

  struct depth_guard {
    explicit depth_guard(int& d) : depth(d) { ++depth; }
    ~depth_guard() { --depth; }
    int& depth;
  };
  result<> check_depth() const {
    if (depth_ > max_expression_depth)
      return fail(errc::bad_expression,
                  fmt::format("the expression is nested deeper than {} levels at offset {}", max_expression_depth, tokens_[at_].offset));
    return {};
  }

  result<term_ptr> expression() {
    const depth_guard guard(depth_);
    TRY(check_depth());
    auto condition = TRY(chain(lowest_level));
    if (peek() != symbol::question) return condition;
    next();
    auto t = std::make_unique<term>();
    t->is = term::kind::ternary;
    t->first = std::move(condition);
    t->then = TRY(expression());
    TRY(expect(symbol::colon, "':'"));
    t->otherwise = TRY(expression());
    return t;
  }

  std::optional<operation> operator_at(int level) const {
    for (const auto& row : operators) {
      if (row.level == level && row.sign == peek()) return row.op;
    }
    return std::nullopt;
  }
  result<term_ptr> chain(int level) {
    if (level == level_count) return unary();
    auto first = TRY(chain(level + 1));
    if (!operator_at(level)) return first;
    auto t = std::make_unique<term>();
    t->is = term::kind::chain;
    t->first = std::move(first);
    while (const auto op = operator_at(level)) {
      next();
      auto operand = TRY(chain(level + 1));
      t->rest.emplace_back(*op, std::move(operand));
    }
    return t;
  }

  result<term_ptr> unary() {
    std::optional<operation> op;
    if (peek() == symbol::not_) op = operation::not_;
    if (peek() == symbol::minus) op = operation::negate;
    if (peek() == symbol::empty) op = operation::empty;
    if (!op) return path();
    const depth_guard guard(depth_);
    TRY(check_depth());
    next();
    auto t = std::make_unique<term>();
    t->is = term::kind::unary;
    t->op = *op;
    t->first = TRY(unary());
    return t;
  }

  result<term_ptr> path() {
    auto root = TRY(primary());
    auto t = std::make_unique<term>();
    for (;;) {
      suffix s;
      if (peek() == symbol::dot) {
        next();
        if (peek() != symbol::identifier) return unexpected("a property or method name");
        s.name = next().text;
      } else if (peek() == symbol::open_bracket) {
        next();
        s.index = TRY(expression());
        TRY(expect(symbol::close_bracket, "']'"));
      } else {
        break;
      }
      if (peek() == symbol::open_paren) {
        s.is_call = true;
        s.arguments = TRY(arguments());
        writes_ = writes_ || s.name.empty() || s.name == "setVariable" || s.name == "setVariableLocal";
      }
      t->suffixes.push_back(std::move(s));
    }
    if (t->suffixes.empty()) return root;
    t->is = term::kind::path;
    t->first = std::move(root);
    return t;
  }

  result<std::vector<term_ptr>> arguments() {
    std::vector<term_ptr> out;
    next();  // (
    if (peek() != symbol::close_paren) {
      out.push_back(TRY(expression()));
      while (peek() == symbol::comma) {
        next();
        out.push_back(TRY(expression()));
      }
    }
    TRY(expect(symbol::close_paren, "')'"));
    return out;
  }

  result<term_ptr> primary() {
    if (peek() == symbol::open_paren) {
      next();
      auto t = TRY(expression());
      TRY(expect(symbol::close_paren, "')'"));
      return t;
    }
    if (peek() == symbol::identifier) return identifier();
    auto t = std::make_unique<term>();
    t->literal = TRY(literal());
    return t;
  }

  result<term_ptr> identifier() {
    const auto offset = tokens_[at_].offset;
    auto t = std::make_unique<term>();
    t->is = term::kind::identifier;
    t->name = next().text;
    // prefix:name(
    if (peek() == symbol::colon && peek(1) == symbol::identifier && peek(2) == symbol::open_paren) {
      next();
      t->name += ":" + next().text;
    }
    if (peek() != symbol::open_paren) return t;
    const auto given = TRY(arguments());
    if (t->name != "now" || !given.empty())
      return fail(errc::bad_expression,
                  fmt::format("function {}() with {} argument(s) at offset {} is not available; the only function is now()", t->name,
                              given.size(), offset));
    t->is = term::kind::function;
    return t;
  }

  result<value> literal() {
    switch (peek()) {
      case symbol::null: next(); return value();
      case symbol::true_: next(); return value(true);
      case symbol::false_: next(); return value(false);
      case symbol::string: return value(next().text);
      case symbol::integer: {
        std::int64_t n = 0;
        const auto& text = tokens_[at_].text;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
        if (error != std::errc{} || end != text.data() + text.size())
          return fail(errc::bad_expression, fmt::format("the integer at offset {} does not fit into 64 bits", tokens_[at_].offset));
        next();
        return value(n);
      }
      case symbol::floating: {
        double d = 0;
        const auto& text = tokens_[at_].text;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), d);
        if (error != std::errc{} || end != text.data() + text.size())
          return fail(errc::bad_expression, fmt::format("the number at offset {} does not fit into a double", tokens_[at_].offset));
        next();
        return value(d);
      }
      default: return unexpected("an expression");
    }
  }

  std::vector<token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool writes_ = false;
};

}  // namespace

result<syntax> parse_syntax(std::string_view text) {
  if (text.size() > max_expression_bytes)
    return fail(errc::bad_expression,
                fmt::format("the expression has {} bytes; at most {} are allowed", text.size(), max_expression_bytes));
  return parser(TRY(scan(text))).run();
}

}  // namespace dsf::bpmn::el
