#include "fhir/semantics/search/query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/bytes.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/names.hpp"
#include "fhir/semantics/search/condition.hpp"
#include "fhir/semantics/search/extended.hpp"

namespace dsf::fhir {
namespace {

constexpr std::array<std::string_view, 9> single_valued = {"_sort",    "_page",     "_count", "_format", "_pretty",
                                                           "_summary", "_elements", "_total", "_cursor"};

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t v = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (ec != std::errc{} || end != text.data() + text.size() || v > 2'147'483'647 || v < -2'147'483'648LL) return {};
  return v;
}

struct parser {
  search_query& out;
  std::string_view base_url;
  int zone_offset_minutes;
  bool extended;

  void error(search_fault fault, std::string_view name, std::string message, std::string_view value) {
    out.errors.push_back({fault, std::string(name), std::move(message), std::string(value)});
  }

  void unsupported(std::string_view name) {
    error(search_fault::unsupported_parameter, name, fmt::format("Query parameter `{}` not supported", name), {});
  }

  void sort(std::string_view value) {
    std::string kept;
    while (!value.empty()) {
      const auto comma = value.find(',');
      const auto item = value.substr(0, comma);
      value = comma == value.npos ? std::string_view{} : value.substr(comma + 1);
      auto name = item;
      search_sort one;
      // A plus sign that was not encoded arrives as a blank.
      if (!name.empty() && (name[0] == '+' || name[0] == '-' || name[0] == ' ')) {
        one.descending = name[0] == '-';
        name.remove_prefix(1);
      }
      if (name == "_id")
        one.what = search_sort::by::id;
      else if (name == "_lastUpdated")
        one.what = search_sort::by::last_updated;
      else if (name == "_profile")
        one.parameter = &profile_parameter();
      else
        one.parameter = parameter_of(out.type, name);
      if (one.what == search_sort::by::parameter && !one.parameter) {
        error(search_fault::unparsable_value, "_sort", fmt::format("_sort query parameter value `{}` not supported", item), {});
        continue;
      }
      kept += (kept.empty() ? "" : ",") + std::string(one.descending ? "-" : "") + std::string(name);
      out.sort.push_back(one);
    }
    if (!kept.empty()) out.normalised.emplace_back("_sort", kept);
  }

  // Type:parameter[:Target]
  std::optional<search_include> include_of(std::string_view value) const {
    const auto first = value.find(':');
    if (first == value.npos) return {};
    const auto second = value.find(':', first + 1);
    search_include one{
        std::string(value.substr(0, first)), parameter_of(value.substr(0, first), value.substr(first + 1, second - first - 1)), {}};
    if (second != value.npos) one.target = value.substr(second + 1);
    const bool is_reference =
        one.parameter && (one.parameter->kind == parameter_kind::reference || one.parameter->kind == parameter_kind::prefix_uri);
    if (!is_reference || (second == value.npos && one.parameter->target_needed)) return {};
    if (second != value.npos && !has_word(one.parameter->targets, one.target)) return {};
    return one;
  }

  static bool has_word(std::string_view list, std::string_view word) {
    while (!list.empty()) {
      const auto blank = list.find(' ');
      if (list.substr(0, blank) == word) return true;
      if (blank == list.npos) break;
      list.remove_prefix(blank + 1);
    }
    return false;
  }

  void include(std::string_view value) {
    auto one = include_of(value);
    if (!one || one->source != out.type) {
      error(search_fault::unparsable_value, "_include", fmt::format("_include query parameter value {} not supported", value), {});
      return;
    }
    out.includes.push_back(std::move(*one));
    out.normalised.emplace_back("_include", value);
  }

  void reverse_include(std::string_view value) {
    auto one = include_of(value);
    const auto allowed = reverse_includes_of(out.type);
    if (!one ||
        std::ranges::none_of(allowed, [&](const auto& r) { return r.source == one->source && r.parameter == one->parameter->name; })) {
      error(search_fault::unparsable_value, "_revinclude", fmt::format("_revinclude query parameter value {} not supported", value), {});
      return;
    }
    out.reverse_includes.push_back(std::move(*one));
    out.normalised.emplace_back("_revinclude", value);
  }

  void iterate(std::string_view value) {
    auto one = include_of(value);
    if (!one) {
      error(search_fault::unparsable_value, "_include:iterate",
            fmt::format("_include:iterate query parameter value {} not supported", value), {});
      return;
    }
    out.iterated.push_back(std::move(*one));
    out.normalised.emplace_back("_include:iterate", value);
  }

  void cursor(std::string_view value) {
    if (value == "start") {
      out.cursor = base::uuid{};
      return;
    }
    const auto id = base::uuid::parse(value);
    if (!id) return error(search_fault::unparsable_value, "_cursor", "take it from a next link, or begin with start", value);
    out.cursor = *id;
  }

  // Ids are the one order that no write changes: whoever follows them sees what is there all the time exactly once.
  void check_cursor() {
    if (!out.cursor) return;
    const auto by_id = [](const search_sort& s) { return s.what == search_sort::by::id && !s.descending; };
    if (!out.page && std::ranges::all_of(out.sort, by_id)) {
      out.sort.assign(1, search_sort{.what = search_sort::by::id});
      return;
    }
    error(search_fault::unparsable_value, "_cursor", "pages by cursor are ordered by _id: leave out _page and any other _sort", {});
    out.cursor.reset();
  }

  void condition(std::string_view name, std::string_view value) {
    auto made = extended ? make_extended_condition(out.type, name, value, base_url, zone_offset_minutes)
                         : make_condition(out.type, name, value, base_url, zone_offset_minutes);
    if (auto* fault = std::get_if<condition_fault>(&made)) {
      if (fault->unknown_name)
        unsupported(name);
      else
        error(search_fault::unparsable_value, name, std::move(fault->message), value);
      return;
    }
    if (std::holds_alternative<std::monostate>(made)) return;
    auto& one = std::get<search_condition>(made);
    out.normalised.emplace_back(one.name, one.value);
    out.conditions.push_back(std::move(one));
  }

  void one(std::string_view name, std::string_view value) {
    if (name == "_sort")
      sort(value);
    else if (name == "_page")
      out.page = number_of(value);
    else if (name == "_count")
      out.count = number_of(value);
    else if (name == "_format")
      out.format = value;
    else if (name == "_pretty")
      out.pretty = value;
    else if (name == "_summary") {
      out.summary = value;
      out.summary_count = value == "count";
      if (value != "count" && value != "true" && value != "false" && value != "text" && value != "data")
        error(search_fault::unparsable_value, name, {}, value);
    } else if (name == "_elements") {
      out.elements = value;
      out.normalised.emplace_back(name, value);
    } else if (name == "_total") {
      // The total is always accurate where it is told.
      if (value != "none" && value != "estimate" && value != "accurate") return error(search_fault::unparsable_value, name, {}, value);
      out.without_total = value == "none";
      out.normalised.emplace_back(name, value);
    } else if (name == "_include")
      include(value);
    else if (name == "_include:iterate" && extended)
      iterate(value);
    else if (name == "_cursor" && extended)
      cursor(value);
    else if (name == "_revinclude" && !reverse_includes_of(out.type).empty())
      reverse_include(value);
    else
      condition(name, value);
  }
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%') {
      if (i + 2 >= text.size() || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0) return {};
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::string error_text(const std::vector<search_error>& errors) {
  constexpr std::array<std::string_view, 3> types = {"UNSUPPORTED_PARAMETER", "UNSUPPORTED_NUMBER_OF_VALUES", "UNPARSABLE_VALUE"};
  std::string out;
  for (const auto& e : errors) {
    if (!out.empty()) out += "; ";
    out += fmt::format("parameter: {}, error: {}", e.parameter, types[static_cast<std::size_t>(e.fault)]);
    if (!e.message.empty()) out += fmt::format(", message: '{}'", e.message);
    if (!e.value.empty()) out += fmt::format(", value: {}", e.value);
  }
  return out;
}

search_query parse_search(std::string_view type, const query_list& parameters, std::string_view base_url, int zone_offset_minutes,
                          search_dialect dialect) {
  search_query out;
  out.type = type;
  parser p{out, base_url, zone_offset_minutes, dialect == search_dialect::extended};
  std::vector<std::string_view> seen;
  for (const auto& [name, value] : parameters) {
    if (std::ranges::find(single_valued, name) != single_valued.end()) {
      if (std::ranges::find(seen, name) != seen.end()) {
        if (std::ranges::none_of(
                out.errors, [&](const auto& e) { return e.parameter == name && e.fault == search_fault::unsupported_number_of_values; }))
          p.error(search_fault::unsupported_number_of_values, name, {}, {});
        continue;
      }
      seen.push_back(name);
    }
    // dsf-fhir-server 1.5: blank values are ignored; an unknown name is an error all the same.
    if (!is_blank(value)) {
      p.one(name, value);
    } else if (!name.starts_with('_') && !is_known_name(type, name)) {
      p.unsupported(name);
    }
  }
  p.check_cursor();
  std::ranges::stable_sort(out.normalised, {}, &std::pair<std::string, std::string>::first);
  return out;
}

std::optional<query_list> parse_query_string(std::string_view text) {
  query_list out;
  if (text.starts_with('?')) text.remove_prefix(1);
  while (!text.empty()) {
    const auto amp = text.find('&');
    const auto part = text.substr(0, amp);
    text = amp == text.npos ? std::string_view{} : text.substr(amp + 1);
    if (part.empty()) continue;
    const auto equals = part.find('=');
    auto name = decoded(part.substr(0, equals));
    auto value = equals == part.npos ? std::optional<std::string>("") : decoded(part.substr(equals + 1));
    if (!name || !value) return {};
    out.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view plain = "-._~:/,@!$'()*;?";
  std::string out;
  for (const char c : text) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || plain.find(c) != plain.npos)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace dsf::fhir
