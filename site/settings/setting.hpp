// One row a setting: it makes validation, --help, `dsfd config explain`, docs/settings.md and the field of site_config.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "site/settings/errc.hpp"
#include "site/settings/site_config.hpp"

namespace dsf::site {

enum class setting_kind : std::uint8_t {
  text,
  boolean,
  integer,
  duration,      // 500ms, 10s, 5m, 1h, 7d or ISO 8601; microseconds
  size,          // 4096, 16KiB, 16MiB, 1GiB; bytes
  port,
  path,          // relative to the settings file's folder
  existing_path,  // as path, and it must be there
  https_url,     // no slash at the end
  http_url,
  choice,        // one of `range`
  text_list,     // YAML list, or separated by commas or blanks
  choice_list,
  path_list,
  secret,        // has a second form, <name>_file: the first line of that file
  roles,         // role configuration (dsf-fhir-server 2.5)
  age,           // ISO 8601 (months and years go by the calendar), a duration as above, or never
};
std::string_view to_string(setting_kind kind) noexcept;

// A value of its type, as far as the row's kind says.
struct setting_value {
  std::string text;
  std::vector<std::string> items;
  std::int64_t number = 0;  // integer, port, duration in us, size in bytes; choice: index in `range`
  bool flag = false;
  base::secret hidden;
  std::optional<base::iso_duration> age;  // nothing: never
  std::vector<fhir::practitioner_rule> rules;
};

struct setting {
  // Dotted path in the file. A segment `*` stands for a name that the user chooses.
  std::string_view name;
  setting_kind kind = setting_kind::text;
  std::string_view fallback;  // the default, as one would write it; empty: none
  std::string_view range;     // "1..65535", "1s..1h", "debug|info|warning|error"; empty: any
  std::string_view help;
  // Puts the value in its place. `key` is what stands for `*`.
  void (*apply)(site_config& config, const std::string& key, const setting_value& value) = nullptr;
};

std::span<const setting> settings_table();

// DSFD_STORE_PATH for store.path; empty for rows with `*`.
std::string environment_name(const setting& row);
// The row of a concrete name such as feasibility.networks.all.obfuscate, and what stands for `*`; null if there is none.
const setting* find_setting(std::string_view name, std::string* key = nullptr);

// Text as written in file, environment or command line to a value. The error's text names the setting, its place is left empty.
// `base_folder` is what relative paths are relative to.
result<setting_value> parse_setting(const setting& row, std::string_view name, const std::vector<std::string>& texts,
                                    const std::string& base_folder);

result<std::int64_t> parse_duration_us(std::string_view text);
// Nothing: never.
result<std::optional<base::iso_duration>> parse_age(std::string_view text);
result<std::int64_t> parse_size_bytes(std::string_view text);

}  // namespace dsf::site
