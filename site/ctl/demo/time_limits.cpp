#include "site/ctl/demo/time_limits.hpp"

#include <fstream>
#include <iterator>

namespace dsf::site::ctl {

std::map<std::string, std::string> time_limits(const std::filesystem::path& processes, const std::string& value) {
  std::map<std::string, std::string> out;
  std::error_code ec;
  for (const auto& file : std::filesystem::recursive_directory_iterator(processes, ec)) {
    if (file.path().extension() != ".bpmn" && file.path().filename() != "plugin.yaml") continue;
    std::ifstream in(file.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    // #{name:PT20S}
    for (auto at = text.find("#{"); at != text.npos; at = text.find("#{", at + 1)) {
      const auto colon = text.find(':', at), end = text.find('}', at);
      if (colon < end && text.compare(colon, 3, ":PT") == 0) out[text.substr(at + 2, colon - at - 2)] = value;
    }
  }
  return out;
}

}  // namespace dsf::site::ctl
