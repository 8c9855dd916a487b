// Text to values, by the kind and range of a setting's row.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "base/clock.hpp"
#include "site/settings/setting.hpp"

namespace dsf::site {
namespace {

struct unit {
  std::string_view name;
  std::int64_t factor;
};
constexpr std::array<unit, 6> duration_units{
    {{"us", 1}, {"ms", 1'000}, {"s", 1'000'000}, {"m", 60'000'000}, {"h", 3'600'000'000}, {"d", 86'400'000'000}}};
constexpr std::array<unit, 9> size_units{{{"", 1},
                                          {"B", 1},
                                          {"kB", 1'000},
                                          {"MB", 1'000'000},
                                          {"GB", 1'000'000'000},
                                          {"KiB", 1 << 10},
                                          {"MiB", 1 << 20},
                                          {"GiB", 1 << 30},
                                          {"TiB", std::int64_t(1) << 40}}};

std::string_view trimmed(std::string_view s) {
  auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && blank(s.back())) s.remove_suffix(1);
  return s;
}

bool parse_whole(std::string_view text, std::int64_t& out) {
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc() && end == text.data() + text.size() && !text.empty();
}

// A whole number and a unit, with or without a blank between them.
template <std::size_t N>
bool parse_with_unit(std::string_view text, const std::array<unit, N>& units, std::int64_t& out) {
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  std::int64_t number = 0;
  if (!parse_whole(text.substr(0, digits), number)) return false;
  const auto name = trimmed(text.substr(digits));
  for (const auto& u : units)
    if (u.name == name) return !__builtin_mul_overflow(number, u.factor, &out);
  return false;
}

std::vector<std::string> split_choices(std::string_view range) {
  std::vector<std::string> out;
  while (!range.empty()) {
    const auto bar = range.find('|');
    out.emplace_back(range.substr(0, bar));
    range = bar == std::string_view::npos ? std::string_view() : range.substr(bar + 1);
  }
  return out;
}

std::string join(const std::vector<std::string>& items, std::string_view with = ", ") { return fmt::format("{}", fmt::join(items, with)); }

// Lists may be YAML lists or one text with commas or blanks (dsf-bpe 6.1).
std::vector<std::string> list_items(const std::vector<std::string>& texts) {
  if (texts.size() != 1) return texts;
  std::vector<std::string> out;
  std::string item;
  for (char c : texts[0] + " ") {
    if (c != ',' && c != ' ' && c != '\n' && c != '\t') {
      item += c;
    } else if (!item.empty()) {
      out.push_back(std::move(item));
      item.clear();
    }
  }
  return out;
}

std::string resolved_path(std::string_view text, const std::string& base_folder) {
  const std::filesystem::path p(text);
  if (text == "-" || p.is_absolute() || base_folder.empty()) return std::string(text);
  return (std::filesystem::path(base_folder) / p).lexically_normal().string();
}

failure wrong(std::string_view name, std::string_view text, std::string_view wanted) {
  return fail(settings_errc::wrong, fmt::format("{} is '{}'; {}", name, text, wanted));
}

result<std::int64_t> parse_number(setting_kind kind, std::string_view text) {
  std::int64_t n = 0;
  switch (kind) {
    case setting_kind::duration: return parse_duration_us(text);
    case setting_kind::size: return parse_size_bytes(text);
    default:
      if (!parse_whole(text, n)) return fail(settings_errc::wrong, "it must be a whole number");
      return n;
  }
}

result<std::int64_t> number_in_range(const setting& row, std::string_view name, std::string_view text) {
  auto number = parse_number(row.kind, text);
  if (!number) return wrong(name, text, number.error().text());
  if (const auto dots = row.range.find(".."); dots != std::string_view::npos) {
    const auto least = parse_number(row.kind, row.range.substr(0, dots));
    const auto most = parse_number(row.kind, row.range.substr(dots + 2));
    if (!least || !most) return fail(settings_errc::wrong, fmt::format("the range '{}' of {} is not readable", row.range, row.name));
    if (*number < *least || *number > *most) return wrong(name, text, fmt::format("it must be in {}", row.range));
  }
  return *number;
}

result<std::string> checked_url(std::string_view name, std::string_view text, bool https_only) {
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (!https_only && rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return wrong(name, text, https_only ? "it must begin with https://" : "it must begin with http:// or https://");
  }
  const auto host = rest.substr(0, rest.find('/'));
  if (host.empty() || host.starts_with(':')) return wrong(name, text, "it names no host");
  if (rest.find_first_of("?# \"<>") != std::string_view::npos)
    return wrong(name, text, "it must be an address without query, fragment or blanks");
  if (rest.ends_with('/')) return wrong(name, text, "leave out the slash at its end");
  return std::string(text);
}

}  // namespace

std::string_view to_string(setting_kind kind) noexcept {
  constexpr std::array<std::string_view, 15> names{
      "text",          "true|false", "number", "duration", "size", "port",          "path",  "path of something that exists",
      "https address", "address",    "choice", "list",     "list", "list of paths", "secret"};
  if (kind == setting_kind::age) return "age, or never";
  return kind == setting_kind::roles ? "list of rules" : names[static_cast<std::size_t>(kind)];
}

result<std::int64_t> parse_duration_us(std::string_view text) {
  std::int64_t us = 0;
  if (parse_with_unit(text, duration_units, us)) return us;
  if (text.starts_with('P')) {
    if (auto d = base::parse_duration(text); d && d->months == 0) return d->us;
  }
  return fail(settings_errc::wrong, "it must be a duration such as 500ms, 10s, 5m, 1h, 7d or PT10S");
}

result<std::optional<base::iso_duration>> parse_age(std::string_view text) {
  constexpr int months_at_most = 12 * 1'000;
  constexpr std::int64_t us_at_most = 365'000LL * 86'400 * base::us_per_s;
  if (text == "never") return std::nullopt;
  base::iso_duration age;
  if (parse_with_unit(text, duration_units, age.us)) {
  } else if (auto iso = base::parse_duration(text); iso) {
    age = *iso;
  } else {
    return fail(settings_errc::wrong, "it must be an age such as P30D, P6M, P1Y or 12h, or never");
  }
  if (age.months < 0 || age.months > months_at_most || age.us > us_at_most || (age.months == 0 && age.us < base::us_per_s))
    return fail(settings_errc::wrong, "it must be an age from one second to a thousand years, or never");
  return age;
}

result<std::int64_t> parse_size_bytes(std::string_view text) {
  std::int64_t bytes = 0;
  if (parse_with_unit(text, size_units, bytes)) return bytes;
  return fail(settings_errc::wrong, "it must be a size such as 4096, 64KiB, 16MiB or 1GB");
}

result<setting_value> parse_setting(const setting& row, std::string_view name, const std::vector<std::string>& texts,
                                    const std::string& base_folder) {
  setting_value v;
  const bool list = row.kind == setting_kind::text_list || row.kind == setting_kind::choice_list || row.kind == setting_kind::path_list;
  if (!list && texts.size() != 1)
    return fail(settings_errc::wrong, fmt::format("{} is a list; it must be one value ({})", name, to_string(row.kind)));
  v.text = list ? std::string() : std::string(trimmed(texts[0]));

  switch (row.kind) {
    case setting_kind::text: break;
    case setting_kind::secret: v.hidden = base::secret(texts[0]); break;
    case setting_kind::boolean:
      if (v.text != "true" && v.text != "false") return wrong(name, v.text, "it must be true or false");
      v.flag = v.text == "true";
      break;
    case setting_kind::integer:
    case setting_kind::duration:
    case setting_kind::size:
    case setting_kind::port: v.number = TRY(number_in_range(row, name, v.text)); break;
    case setting_kind::path:
    case setting_kind::existing_path:
      if (v.text.empty()) return wrong(name, v.text, "it must be a path");
      v.text = resolved_path(v.text, base_folder);
      if (row.kind == setting_kind::existing_path) {
        std::error_code ec;
        if (!std::filesystem::exists(v.text, ec)) return wrong(name, v.text, "there is no such file or folder");
      }
      break;
    case setting_kind::https_url:
    case setting_kind::http_url: v.text = TRY(checked_url(name, v.text, row.kind == setting_kind::https_url)); break;
    case setting_kind::choice: {
      const auto choices = split_choices(row.range);
      v.number = -1;
      for (std::size_t i = 0; i < choices.size(); ++i)
        if (choices[i] == v.text) v.number = static_cast<std::int64_t>(i);
      if (v.number < 0) return wrong(name, v.text, fmt::format("it must be one of {}", join(choices)));
      break;
    }
    case setting_kind::text_list:
    case setting_kind::choice_list:
    case setting_kind::path_list: {
      v.items = list_items(texts);
      const auto choices = split_choices(row.range);
      for (auto& item : v.items) {
        if (row.kind == setting_kind::path_list) item = resolved_path(item, base_folder);
        if (row.kind == setting_kind::choice_list && std::find(choices.begin(), choices.end(), item) == choices.end())
          return wrong(name, item, fmt::format("each item must be one of {}", join(choices)));
      }
      v.text = join(v.items);
      break;
    }
    case setting_kind::age: {
      auto age = parse_age(v.text);
      if (!age) return wrong(name, v.text, age.error().text());
      v.age = *age;
      break;
    }
    case setting_kind::roles: break;  // parse_role_config()
  }
  return v;
}

std::string environment_name(const setting& row) {
  if (row.name.find('*') != std::string_view::npos) return {};
  std::string out = "DSFD_";
  for (char c : row.name) out += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return out;
}

const setting* find_setting(std::string_view name, std::string* key) {
  for (const auto& row : settings_table()) {
    const auto star = row.name.find('*');
    if (star == std::string_view::npos) {
      if (row.name == name) return &row;
      continue;
    }
    // The user's key may hold dots (organisation identifiers do), so it is what stands between the fixed ends.
    const auto before = row.name.substr(0, star), after = row.name.substr(star + 1);
    if (name.size() > before.size() + after.size() && name.starts_with(before) && name.ends_with(after)) {
      if (key) *key = name.substr(before.size(), name.size() - before.size() - after.size());
      return &row;
    }
  }
  return nullptr;
}

}  // namespace dsf::site
