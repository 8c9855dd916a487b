// Textual placeholders of plugin files, replaced before the file is parsed (dsf-bpe 3.5).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace dsf::bpmn {

struct placeholder_values {
  std::string version;                      // #{version}: the resource version, e.g. "2.0"
  std::string date;                         // #{date}: yyyy-MM-dd
  std::optional<std::string> organization;  // #{organization}: the local organization's identifier; absent gives "null"
  // #{name}: a property of the engine's configuration.
  std::function<std::optional<std::string>(std::string_view name)> property;
};

enum class placeholder_file {
  bpmn,  // ${...} is JUEL and stays
  fhir,  // ${name:default} is replaced as well
};

// `#{name}` and `#{name:default}`. A replacement is not looked at again. Error bad_model naming the placeholder, "file: line n".
base::result<std::string> replace_placeholders(std::string_view text, std::string_view file_name, placeholder_file kind,
                                               const placeholder_values& values);

}  // namespace dsf::bpmn
