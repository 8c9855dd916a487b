// What a model should have so that DSF can deploy and use it (dsf-bpe 1.2, 2.1, 2.8). The reader has accepted it already.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bpmn/model.hpp"

namespace dsf::bpmn {

enum class finding_level : std::uint8_t {
  error,    // DSF drops the model
  warning,  // DSF takes it, but it will not do what was meant
};
struct finding {
  finding_level level = finding_level::error;
  std::string rule;     // stable, snake_case
  std::string element;  // id
  int line = 0;         // 0: the process
  std::string text;
};

// `resource_version`: the plugin's, "2.0". Findings in document order.
std::vector<finding> lint(const std::vector<std::shared_ptr<const definition>>& file, std::string_view resource_version);

}  // namespace dsf::bpmn
