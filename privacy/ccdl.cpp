#include "privacy/ccdl.hpp"

#include <fmt/format.h>

#include "privacy/json_reader.hpp"

namespace dsf::privacy {
namespace {

using base::result;

class ccdl_parser {
public:
  explicit ccdl_parser(const ccdl_limits& limits) : limits_(limits) {}

  result<ccdl_query> query(const json_reader& at) {
    TRY(at.object());
    if (at.has("version")) {
      TRY(at["version"].text());
      if (const auto& version = at["version"].value().str(); version != "2")
        return at["version"].wrong(fmt::format("is '{}'; this program reads version \"2\"", version));
    }
    ccdl_query out;
    if (at.has("display")) out.display = TRY(at["display"].text());
    if (!at.has("inclusionCriteria")) return at["inclusionCriteria"].wrong("is missing; a query needs at least one inclusion criterion");
    out.inclusion = TRY(groups(at["inclusionCriteria"]));
    if (at.has("exclusionCriteria")) out.exclusion = TRY(groups(at["exclusionCriteria"]));
    return out;
  }

private:
  result<std::vector<std::vector<criterion>>> groups(const json_reader& at) {
    std::vector<std::vector<criterion>> out;
    const auto n = TRY(at.array(1, limits_.groups));
    for (std::size_t i = 0; i < n; ++i) out.push_back(TRY(criteria(at[i], true)));
    return out;
  }

  // The recursion criteria -> criterion -> attribute -> criteria goes two levels deep: a nested criterion has no reference filter.
  result<std::vector<criterion>> criteria(const json_reader& at, bool references) {
    std::vector<criterion> out;
    const auto n = TRY(at.array(1, limits_.criteria));
    for (std::size_t i = 0; i < n; ++i) out.push_back(TRY(one(at[i], references)));
    return out;
  }

  result<criterion> one(const json_reader& at, bool references) {
    if (++criteria_ > limits_.criteria_in_all)
      return base::fail(errc::limit, fmt::format("the query has more than {} criteria", limits_.criteria_in_all), at.path());
    TRY(at.object());
    criterion out;
    out.path = at.path();
    if (!at.has("context")) return at["context"].wrong("is missing; it names the module that the mapping is looked up in");
    out.context = TRY(coded(at["context"]));
    out.term_codes = TRY(codes(at["termCodes"]));
    if (at.has("valueFilter")) {
      const auto filter = at["valueFilter"];
      TRY(filter.object());
      const auto type = TRY(filter["type"].text());
      if (type == "concept") {
        out.value = TRY(concepts(filter));
      } else if (type == "quantity-comparator") {
        out.value = TRY(comparison(filter));
      } else if (type == "quantity-range") {
        out.value = TRY(range(filter));
      } else {
        return filter["type"].wrong(fmt::format("is '{}'; known are concept, quantity-comparator and quantity-range", type));
      }
    }
    if (at.has("attributeFilters")) {
      const auto list = at["attributeFilters"];
      const auto n = TRY(list.array(0, limits_.attributes));
      for (std::size_t i = 0; i < n; ++i) out.attributes.push_back(TRY(attribute(list[i], references)));
    }
    if (at.has("timeRestriction")) out.time = TRY(restriction(at["timeRestriction"]));
    return out;
  }

  result<attribute_filter> attribute(const json_reader& at, bool references) {
    TRY(at.object());
    attribute_filter out;
    out.path = at.path();
    const auto type = TRY(at["type"].text());
    out.attribute = TRY(coded(at["attributeCode"]));
    if (type == "concept") {
      out.filter = TRY(concepts(at));
    } else if (type == "quantity-comparator") {
      out.filter = TRY(comparison(at));
    } else if (type == "quantity-range") {
      out.filter = TRY(range(at));
    } else if (type == "reference") {
      if (!references) return at["type"].wrong("a criterion inside a reference filter can't hold another reference filter");
      out.filter = reference_filter{TRY(criteria(at["criteria"], false))};
    } else {
      return at["type"].wrong(fmt::format("is '{}'; known are concept, quantity-comparator, quantity-range and reference", type));
    }
    return out;
  }

  result<concept_filter> concepts(const json_reader& at) { return concept_filter{TRY(codes(at["selectedConcepts"]))}; }

  result<quantity_comparator_filter> comparison(const json_reader& at) {
    static constexpr std::string_view names[] = {"eq", "ne", "lt", "le", "gt", "ge"};
    quantity_comparator_filter out;
    const auto name = TRY(at["comparator"].text());
    std::size_t i = 0;
    while (i < std::size(names) && names[i] != name) ++i;
    if (i == std::size(names)) return at["comparator"].wrong(fmt::format("is '{}'; known are eq, ne, lt, le, gt and ge", name));
    out.compare = static_cast<comparator>(i);
    out.value = TRY(at["value"].number());
    out.unit = TRY(unit(at));
    return out;
  }

  result<quantity_range_filter> range(const json_reader& at) {
    quantity_range_filter out;
    out.low = TRY(at["minValue"].number());
    out.high = TRY(at["maxValue"].number());
    if (out.low > out.high) return at["minValue"].wrong("is greater than maxValue; exchange the two");
    out.unit = TRY(unit(at));
    return out;
  }

  result<std::string> unit(const json_reader& at) {
    if (!at.has("unit")) return std::string();
    TRY(at["unit"].object());
    TRY(at["unit"]["display"].text());
    auto code = TRY(at["unit"]["code"].text());
    if (code.empty()) return at["unit"]["code"].wrong("must not be empty; leave 'unit' out when any unit will do");
    return code;
  }

  result<time_restriction> restriction(const json_reader& at) {
    TRY(at.object());
    time_restriction out;
    if (at.has("afterDate")) out.after = TRY(date(at["afterDate"]));
    if (at.has("beforeDate")) out.before = TRY(date(at["beforeDate"]));
    if (!out.after && !out.before) return at.wrong("needs afterDate, beforeDate or both");
    return out;
  }

  result<day> date(const json_reader& at) {
    const auto text = TRY(at.text());
    const auto d = parse_day(text);
    if (!d) return at.wrong(fmt::format("'{}' is no calendar day; write it as YYYY-MM-DD", text));
    return *d;
  }

  result<std::vector<term_code>> codes(const json_reader& at) {
    std::vector<term_code> out;
    const auto n = TRY(at.array(1, limits_.codes));
    out.reserve(n);
    for (std::size_t i = 0; i < n; ++i) out.push_back(TRY(coded(at[i])));
    return out;
  }

  result<term_code> coded(const json_reader& at) {
    auto out = TRY(at.coded());
    if (!at.has("display")) return at["display"].wrong("is missing; the schema wants code, system and display");
    return out;
  }

  const ccdl_limits& limits_;
  std::size_t criteria_ = 0;
};

}  // namespace

result<ccdl_query> ccdl_from_json(const base::json& document, const ccdl_limits& limits) {
  return ccdl_parser(limits).query({document, "", errc::query});
}

result<ccdl_query> parse_ccdl(std::string_view text, const ccdl_limits& limits) {
  if (text.size() > limits.document_bytes)
    return base::fail(errc::limit, fmt::format("the query has {} bytes; at most {} are allowed", text.size(), limits.document_bytes));
  return ccdl_from_json(TRY(base::json::parse(text)), limits);
}

}  // namespace dsf::privacy
