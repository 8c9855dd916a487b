// Reads any bytes as a zip: no crash, no hang, and nothing beyond the limits comes out.
#include <cstdlib>

#include "plugins/archive.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsf::plugins;
  archive_limits limits;
  limits.entries = 50;
  limits.entry_bytes = 1u << 20;
  limits.total_bytes = 4u << 20;
  auto zip = archive::parse({reinterpret_cast<const char*>(data), size}, "fuzz.zip", limits);
  if (!zip) {
    if (zip.error().text().empty()) std::abort();
    return 0;
  }
  std::size_t total = 0;
  for (const auto& name : zip->names()) {
    if (!fault_of_name(name).empty()) std::abort();
    if (const auto text = zip->read(name)) total += text->size();
  }
  if (total > limits.total_bytes || zip->names().size() > limits.entries) std::abort();
  return 0;
}
