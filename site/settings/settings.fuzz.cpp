// Any text as a settings file: problems, never a crash; what is accepted can be explained.
#include <cstdint>
#include <string>

#include "site/settings/describe.hpp"
#include "site/settings/load.hpp"
#include "site/settings/role_config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  dsf::site::settings_sources sources;
  sources.file = "fuzz.yaml";
  sources.file_text = text;
  const auto loaded = dsf::site::load_settings(sources);
  for (const auto& p : loaded.problems)
    if (p.text().empty()) __builtin_trap();
  (void)dsf::site::explain_settings(loaded);
  (void)dsf::site::parse_role_config(text, "fuzz.yaml");
  return 0;
}
