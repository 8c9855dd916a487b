#include "fhir/path/units.hpp"

#include <fmt/format.h>

#include <array>

#include "fhir/path/decimal_maker.hpp"

namespace dsf::fhir::path {
namespace {

constexpr int max_exponent = 12;
constexpr int max_parentheses = 8;

// An atom is value x base; an empty base is a base unit of its own.
struct atom {
  std::string_view code;
  std::string_view value;
  std::string_view base;
  bool metric = false;
};

// UCUM tables 2 to 10, what clinical data use. Units without a definition in others (arbitrary ones) are dimensions of their own.
constexpr atom atoms[] = {
    {"m", "1", "", true},
    {"s", "1", "", true},
    {"g", "1", "", true},
    {"rad", "1", "", true},
    {"K", "1", "", true},
    {"C", "1", "", true},
    {"cd", "1", "", true},
    {"10*", "10", "1"},
    {"10^", "10", "1"},
    {"%", "0.01", "1"},
    {"[ppth]", "0.001", "1"},
    {"[ppm]", "0.000001", "1"},
    {"[ppb]", "0.000000001", "1"},
    {"mol", "602213670000000000000000", "1", true},
    {"sr", "1", "rad2", true},
    {"Hz", "1", "s-1", true},
    {"N", "1000", "g.m.s-2", true},
    {"Pa", "1", "N.m-2", true},
    {"J", "1", "N.m", true},
    {"W", "1", "J.s-1", true},
    {"A", "1", "C.s-1", true},
    {"V", "1", "J.C-1", true},
    {"F", "1", "C.V-1", true},
    {"Ohm", "1", "V.A-1", true},
    {"S", "1", "Ohm-1", true},
    {"Wb", "1", "V.s", true},
    {"T", "1", "Wb.m-2", true},
    {"H", "1", "Wb.A-1", true},
    {"lm", "1", "cd.sr", true},
    {"lx", "1", "lm.m-2", true},
    {"Bq", "1", "s-1", true},
    {"Gy", "1", "J.kg-1", true},
    {"Sv", "1", "J.kg-1", true},
    {"kat", "1", "mol.s-1", true},
    {"U", "1", "umol.min-1", true},
    {"l", "1", "dm3", true},
    {"L", "1", "dm3", true},
    {"ar", "100", "m2", true},
    {"t", "1000", "kg", true},
    {"bar", "100000", "Pa", true},
    {"u", "0.00000000000000000000000166054", "g", true},
    {"eV", "0.000000000000000000160217733", "J", true},
    {"cal", "4.184", "J", true},
    {"[Cal]", "1", "kcal"},
    {"min", "60", "s"},
    {"h", "3600", "s"},
    {"d", "86400", "s"},
    {"wk", "604800", "s"},
    {"a", "31557600", "s"},
    {"a_j", "31557600", "s"},
    {"mo", "2629800", "s"},
    {"mo_j", "2629800", "s"},
    {"deg", "0.017453292519943295769236907684886", "rad"},
    {"atm", "101325", "Pa"},
    {"m[Hg]", "133322", "Pa", true},
    {"m[H2O]", "9806.65", "Pa", true},
    {"[in_i]", "2.54", "cm"},
    {"[ft_i]", "30.48", "cm"},
    {"[yd_i]", "91.44", "cm"},
    {"[mi_i]", "1609.344", "m"},
    {"[nmi_i]", "1852", "m"},
    {"[lb_av]", "453.59237", "g"},
    {"[oz_av]", "28.349523125", "g"},
    {"[gr]", "0.06479891", "g"},
    {"[gal_us]", "3785.411784", "cm3"},
    {"[qt_us]", "946.352946", "cm3"},
    {"[pt_us]", "473.176473", "cm3"},
    {"[foz_us]", "29.5735295625", "cm3"},
    {"[cup_us]", "236.5882365", "cm3"},
    {"[tbs_us]", "14.78676478125", "cm3"},
    {"[tsp_us]", "4.92892159375", "cm3"},
    {"[psi]", "6894.757293168361", "Pa"},
    {"osm", "1", "mol", true},
    {"eq", "1", "mol", true},
    {"g%", "10", "g.l-1", true},
    {"[pH]", "1", ""},
    {"[iU]", "1", "", true},
    {"[IU]", "1", "[iU]", true},
    {"[arb'U]", "1", ""},
    {"[USP'U]", "1", ""},
    {"[CFU]", "1", ""},
    {"[drp]", "1", "", false},
    {"bit", "1", "", true},
    {"By", "8", "bit", true},
    {"Bd", "1", "s-1", true},
    {"[p'diop]", "1", ""},
    {"[diop]", "1", "m-1"},
    {"B", "1", "", true},
    {"Np", "1", "", true},
    {"[knt_i]", "1852", "m.h-1"},
};

struct prefix {
  std::string_view code;
  int exponent;
};
constexpr prefix prefixes[] = {{"da", 1}, {"Y", 24},  {"Z", 21},  {"E", 18},  {"P", 15},  {"T", 12}, {"G", 9},
                               {"M", 6},  {"k", 3},   {"h", 2},   {"d", -1},  {"c", -2},  {"m", -3}, {"u", -6},
                               {"n", -9}, {"p", -12}, {"f", -15}, {"a", -18}, {"z", -21}, {"y", -24}};

rational ten_to(int exponent) {
  big p = 1;
  for (int i = 0; i < std::abs(exponent); ++i) p *= 10;
  return exponent < 0 ? rational(1, p) : rational(p, 1);
}

bool raise(unit_form& u, int exponent) {
  rational factor = 1;
  for (int i = 0; i < std::abs(exponent); ++i) factor *= u.factor;
  u.factor = exponent < 0 ? rational(1) / factor : factor;
  for (auto& [base, n] : u.powers)
    if (n *= exponent; n > max_exponent || n < -max_exponent) return false;
  if (exponent == 0) u.powers.clear();
  return true;
}

bool multiply_in(unit_form& into, const unit_form& by) {
  into.factor *= by.factor;
  for (const auto& [base, n] : by.powers) {
    auto& sum = into.powers[base];
    sum += n;
    if (sum > max_exponent || sum < -max_exponent) return false;
    if (sum == 0) into.powers.erase(base);
  }
  return true;
}

std::optional<unit_form> parse(std::string_view code, int depth);

const atom* find_atom(std::string_view code) {
  for (const auto& a : atoms)
    if (a.code == code) return &a;
  return nullptr;
}

std::optional<unit_form> form_of(const atom& a, int depth) {
  unit_form out;
  if (a.base.empty()) {
    out.powers[std::string(a.code)] = 1;
    return out;
  }
  auto base = parse(a.base, depth + 1);
  if (!base) return {};
  out = std::move(*base);
  out.factor *= rational_of(*decimal::parse(a.value));
  return out;
}

std::optional<unit_form> atom_form(std::string_view code, int depth) {
  if (const auto* a = find_atom(code)) return form_of(*a, depth);
  for (const auto& p : prefixes) {
    if (!code.starts_with(p.code)) continue;
    const auto* a = find_atom(code.substr(p.code.size()));
    if (!a || !a->metric) continue;
    auto out = form_of(*a, depth);
    if (out) out->factor *= ten_to(p.exponent);
    return out;
  }
  return {};
}

// term = ["/"] component { ("." | "/") component }
class unit_parser {
public:
  unit_parser(std::string_view text, int depth) : left_(text), depth_(depth) {}

  std::optional<unit_form> whole() {
    auto out = term(0);
    return left_.empty() ? out : std::nullopt;
  }

private:
  std::optional<unit_form> term(int parentheses) {
    unit_form out;
    bool divides = eat('/');
    for (;;) {
      auto part = component(parentheses);
      if (!part || (divides && !raise(*part, -1)) || !multiply_in(out, *part)) return {};
      if (eat('.'))
        divides = false;
      else if (eat('/'))
        divides = true;
      else
        return out;
    }
  }

  std::optional<unit_form> component(int parentheses) {
    if (eat('(')) {
      if (parentheses >= max_parentheses) return {};
      auto inner = term(parentheses + 1);
      if (!eat(')')) return {};
      return inner;
    }
    if (left_.starts_with('{')) return annotation() ? std::optional(unit_form{}) : std::nullopt;
    // The atom: up to what can't be part of it. Digits end it, except in 10* and 10^ and inside brackets.
    std::size_t n = 0;
    if (left_.starts_with("10*") || left_.starts_with("10^"))
      n = 3;
    else if (!left_.empty() && left_[0] >= '0' && left_[0] <= '9')
      return factor();
    else {
      bool bracket = false;
      for (; n < left_.size(); ++n) {
        const char c = left_[n];
        if (c == '[') bracket = true;
        if (c == ']') bracket = false;
        if (!bracket && (c == '.' || c == '/' || c == '(' || c == ')' || c == '{' || c == '+' || c == '-' || (c >= '0' && c <= '9'))) break;
      }
    }
    if (n == 0) return {};
    auto out = atom_form(left_.substr(0, n), depth_);
    if (!out) return {};
    left_.remove_prefix(n);
    const bool minus = eat('-');
    const bool sign = minus || eat('+');
    int exponent = 0;
    std::size_t digits = 0;
    for (; digits < left_.size() && left_[digits] >= '0' && left_[digits] <= '9' && digits < 3; ++digits)
      exponent = exponent * 10 + (left_[digits] - '0');
    if (sign && digits == 0) return {};
    left_.remove_prefix(digits);
    if (digits > 0 && (exponent > 99 || !raise(*out, minus ? -exponent : exponent))) return {};
    if (left_.starts_with('{') && !annotation()) return {};
    return out;
  }

  std::optional<unit_form> factor() {
    unit_form out;
    big value = 0;
    std::size_t n = 0;
    for (; n < left_.size() && left_[n] >= '0' && left_[n] <= '9'; ++n) value = value * 10 + (left_[n] - '0');
    if (n > 20 || value == 0) return {};
    left_.remove_prefix(n);
    if (left_.starts_with('{') && !annotation()) return {};
    out.factor = rational(value);
    return out;
  }

  bool annotation() {
    const auto end = left_.find('}');
    if (end == left_.npos) return false;
    left_.remove_prefix(end + 1);
    return true;
  }

  bool eat(char c) {
    if (!left_.starts_with(c)) return false;
    left_.remove_prefix(1);
    return true;
  }

  std::string_view left_;
  int depth_;
};

std::optional<unit_form> parse(std::string_view code, int depth) {
  if (depth > 8 || code.empty() || code.size() > max_unit_length) return {};
  return unit_parser(code, depth).whole();
}

}  // namespace

std::optional<unit_form> unit_of(std::string_view code) {
  unit_form temperature;
  temperature.powers["K"] = 1;
  if (code == "Cel") {
    temperature.offset = rational(27315, 100);
    return temperature;
  }
  if (code == "[degF]") {
    temperature.factor = rational(5, 9);
    temperature.offset = rational(27315, 100) - rational(160, 9);
    return temperature;
  }
  return parse(code, 0);
}

std::string code_of(const std::map<std::string, int>& powers) {
  std::string out;
  for (const auto& [base, n] : powers) {
    if (!out.empty()) out += '.';
    out += base;
    if (n != 1) out += fmt::format("{}", n);
  }
  return out.empty() ? "1" : out;
}

rational rational_of(const decimal& d) { return rational(decimal_maker::digits(d)) * ten_to(-d.scale()); }

std::optional<decimal> decimal_of(const rational& r) {
  // All digits of a number that ends; otherwise as many as a quotient has.
  const int more = decimal::max_digits;
  big ten = 1;
  for (int i = 0; i < more; ++i) ten *= 10;
  const big scaled = numerator(r) * ten;
  const bool exact = scaled % denominator(r) == 0;
  const auto out = decimal_maker::fit(scaled / denominator(r), more, exact ? decimal::max_digits : decimal::result_digits);
  return out ? std::optional(out->trimmed()) : std::nullopt;
}

}  // namespace dsf::fhir::path
