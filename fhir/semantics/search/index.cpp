#include "fhir/semantics/search/index.hpp"

#include <algorithm>
#include <chrono>

#include "base/bytes.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/names.hpp"

namespace dsf::fhir {
namespace {

constexpr std::int64_t us_per_day = 86'400 * base::us_per_s;

struct context {
  const directory* allow_list;
  std::string_view base_url;
  int zone_offset_minutes;
};

// An Identifier has `value`, a Coding `code`.
void add_token(std::vector<std::string>& out, const base::json& e) {
  if (const auto* text = e.if_string()) {
    out.push_back(index_value::token(*text, std::nullopt));
    return;
  }
  const auto* code = e.find("code");
  if (!code) code = e.find("value");
  if (!code || !code->is_string()) return;
  const auto* system = e.find("system");
  out.push_back(
      index_value::token(code->str(), system && system->is_string() ? std::optional<std::string_view>(system->str()) : std::nullopt));
}

void add_reference(std::vector<std::string>& out, const base::json& e, const context& c) {
  if (const auto* canonical = e.if_string()) {
    out.push_back(index_value::reference(*canonical));
    return;
  }
  if (auto literal = literal_of(e, c.allow_list, c.base_url); !literal.empty()) out.push_back(index_value::reference(literal));
  const auto& identifier = e["identifier"];
  if (const auto* value = identifier["value"].if_string()) {
    const auto* system = identifier.find("system");
    out.push_back(
        index_value::logical(*value, system && system->is_string() ? std::optional<std::string_view>(system->str()) : std::nullopt));
  }
}

void add_values(std::vector<std::string>& out, const base::json& resource, const search_parameter& parameter, const context& c) {
  for (const auto* e : elements_at(resource, parameter.paths)) switch (parameter.kind) {
      case parameter_kind::token: add_token(out, *e); break;
      case parameter_kind::code:
      case parameter_kind::status:
        if (e->is_string()) out.push_back(index_value::code(e->str()));
        break;
      case parameter_kind::boolean:
        if (const auto* b = e->if_bool()) out.push_back(index_value::code(*b ? "true" : "false"));
        break;
      case parameter_kind::string:
        if (e->is_string()) out.push_back(index_value::string(e->str()));
        break;
      case parameter_kind::uri:
        if (e->is_string()) out.push_back(index_value::uri(e->str(), parameter.paths == "url" ? resource["version"].str() : std::string{}));
        break;
      case parameter_kind::canonical:
      case parameter_kind::prefix_uri:
        if (e->is_string()) out.push_back(index_value::uri(e->str(), {}));
        break;
      case parameter_kind::date:
        if (const auto range = parse_date_range(e->str(), c.zone_offset_minutes)) out.push_back(date_value(*range));
        break;
      case parameter_kind::reference: add_reference(out, *e, c); break;
    }
  // dsf-fhir-server 1.4, Measure depends-on: also related artifacts of that type.
  if (parameter.name == "depends-on")
    for (const auto& artifact : resource["relatedArtifact"])
      if (artifact["type"].str() == "depends-on" && artifact["resource"].is_string())
        out.push_back(index_value::reference(artifact["resource"].str()));
}

// Digits at a fixed place; -1 if they are not all digits.
int digits(std::string_view text, std::size_t at, std::size_t n) {
  int v = 0;
  for (std::size_t i = at; i < at + n; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
    v = v * 10 + (text[i] - '0');
  }
  return v;
}

std::int64_t day_us(int year, unsigned month, unsigned day) {
  using namespace std::chrono;
  const sys_days days = year_month_day{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  return std::int64_t(days.time_since_epoch().count()) * us_per_day;
}

bool valid_day(int year, int month, int day) {
  using namespace std::chrono;
  return year >= 0 && month >= 1 && day >= 1 &&
         year_month_day{std::chrono::year(year), std::chrono::month(unsigned(month)), std::chrono::day(unsigned(day))}.ok();
}

// The time of day behind "yyyy-MM-ddT".
std::optional<date_range> parse_time(std::string_view time, std::int64_t day, int zone_offset_minutes) {
  const int hour = digits(time, 0, 2), minute = digits(time, 3, 2);
  if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || time[2] != ':') return {};
  std::int64_t us = (std::int64_t(hour) * 60 + minute) * 60 * base::us_per_s;
  std::int64_t width = 60 * base::us_per_s;
  std::size_t at = 5;
  if (at < time.size() && time[at] == ':') {
    const int second = digits(time, at + 1, 2);
    if (second < 0 || second > 60) return {};
    us += second * base::us_per_s;
    width = base::us_per_s;
    at += 3;
    if (at < time.size() && time[at] == '.') {
      ++at;
      const auto first = at;
      while (at < time.size() && time[at] >= '0' && time[at] <= '9') {
        if (at - first < 6) {
          width /= 10;
          us += (time[at] - '0') * width;
        }
        ++at;
      }
      if (at == first) return {};
    }
  }
  int offset = zone_offset_minutes;
  const auto zone = time.substr(at);
  if (zone == "Z") {
    offset = 0;
  } else if (!zone.empty()) {
    const int h = digits(zone, 1, 2), m = digits(zone, 4, 2);
    if (zone.size() != 6 || zone[3] != ':' || h < 0 || h > 14 || m < 0 || m > 59) return {};
    // A blank is a plus sign that was not percent-encoded (dsf-fhir-server 1.5).
    if (zone[0] != '+' && zone[0] != '-' && zone[0] != ' ') return {};
    offset = (h * 60 + m) * (zone[0] == '-' ? -1 : 1);
  }
  const auto from = day + us - std::int64_t(offset) * 60 * base::us_per_s;
  return date_range{from, from + width, true};
}

}  // namespace

namespace index_value {

std::string token_any_system(std::string_view code) {
  std::string out;
  base::put_ordered(out, code);
  return out;
}
std::string token(std::string_view code, std::optional<std::string_view> system) {
  auto out = token_any_system(code);
  out.push_back(system ? '\1' : '\0');
  if (system) base::put_ordered(out, *system);
  return out;
}
std::string code(std::string_view code) { return token_any_system(code); }

std::string folded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (c >= 'A' && c <= 'Z') {
      out += static_cast<char>(c + 32);
    } else if (c == 0xC3 && next >= 0x80 && next <= 0x9E && next != 0x97) {  // U+00C0..U+00DE
      out += static_cast<char>(c), out += static_cast<char>(next + 0x20), ++i;
    } else if ((c == 0xC4 || c == 0xC5) && next && next % 2 == 0 && !(c == 0xC4 && next >= 0xB8) && !(c == 0xC5 && next <= 0x88)) {
      out += static_cast<char>(c), out += static_cast<char>(next + 1), ++i;  // even/odd pairs of Latin Extended-A
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string string(std::string_view text) { return folded(text) + '\0' + std::string(text); }
std::string uri(std::string_view url, std::string_view version) { return std::string(url) + '\0' + std::string(version); }
std::string reference(std::string_view target) { return 'r' + std::string(target) + '\0'; }
std::string logical(std::string_view code, std::optional<std::string_view> system) { return 'i' + token(code, system); }

}  // namespace index_value

std::string prefix_end(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

std::optional<date_range> parse_date_range(std::string_view text, int zone_offset_minutes) {
  const auto shift = std::int64_t(zone_offset_minutes) * 60 * base::us_per_s;
  const int year = digits(text, 0, 4);
  if (year < 0) return {};
  if (text.size() == 4) return date_range{day_us(year, 1, 1) - shift, day_us(year + 1, 1, 1) - shift};
  const int month = digits(text, 5, 2);
  if (text[4] != '-' || !valid_day(year, month, 1)) return {};
  if (text.size() == 7) {
    const bool last = month == 12;
    return date_range{day_us(year, unsigned(month), 1) - shift, day_us(last ? year + 1 : year, last ? 1 : unsigned(month + 1), 1) - shift};
  }
  const int day = digits(text, 8, 2);
  if (text[7] != '-' || !valid_day(year, month, day)) return {};
  const auto start = day_us(year, unsigned(month), unsigned(day));
  if (text.size() == 10) return date_range{start - shift, start + us_per_day - shift};
  if (text[10] != 'T' || text.size() < 16) return {};
  return parse_time(text.substr(11), start, zone_offset_minutes);
}

std::string date_key(std::int64_t us) {
  std::string out;
  base::put_u64(out, static_cast<std::uint64_t>(us) ^ (std::uint64_t{1} << 63));
  return out;
}
std::string date_value(const date_range& range) { return date_key(range.from) + date_key(range.to); }
date_range date_of(std::string_view value) {
  base::byte_reader reader(value);
  const auto next = [&] { return static_cast<std::int64_t>(reader.u64() ^ (std::uint64_t{1} << 63)); };
  const auto from = next();
  return {from, next()};
}

std::string literal_of(const base::json& reference, const directory* allow_list, std::string_view base_url) {
  std::string_view literal = reference["reference"].str();
  if (!literal.empty()) {
    if (!base_url.empty() && literal.starts_with(base_url) && literal.size() > base_url.size() && literal[base_url.size()] == '/')
      literal.remove_prefix(base_url.size() + 1);
    return std::string(literal.substr(0, literal.find("/_history/")));
  }
  if (!allow_list) return {};
  const auto& identifier = reference["identifier"];
  if (identifier["system"].str() == names::organization_sid) {
    if (const auto* o = allow_list->organization(identifier["value"].str())) return "Organization/" + o->id.to_string();
  } else if (identifier["system"].str() == names::endpoint_sid) {
    for (const auto& e : allow_list->endpoints())
      if (e.identifier == identifier["value"].str()) return "Endpoint/" + e.id.to_string();
  }
  return {};
}

const search_parameter& profile_parameter() {
  static constexpr search_parameter parameter{"_profile", parameter_kind::canonical, "meta.profile", "Resource-profile"};
  return parameter;
}

std::vector<std::string> index_values(const base::json& resource, const search_parameter& parameter, const directory* allow_list,
                                      std::string_view base_url, int zone_offset_minutes) {
  std::vector<std::string> out;
  add_values(out, resource, parameter, {allow_list, base_url, zone_offset_minutes});
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<index_entry> index_entries(const base::json& resource, const directory* allow_list, std::string_view base_url,
                                       int zone_offset_minutes) {
  std::vector<index_entry> out;
  const auto add = [&](const search_parameter& parameter) {
    for (auto& value : index_values(resource, parameter, allow_list, base_url, zone_offset_minutes))
      out.push_back({std::string(parameter.name), std::move(value)});
  };
  add(profile_parameter());
  for (const auto& parameter : parameters_of(resource["resourceType"].str())) add(parameter);
  std::ranges::sort(out);
  return out;
}

}  // namespace dsf::fhir
