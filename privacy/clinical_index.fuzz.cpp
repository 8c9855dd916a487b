// Any bytes as a stored index: refused, or an index that writes itself again.
#include "privacy/clinical_index.hpp"

using namespace dsf::privacy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (const auto index = clinical_index::deserialize({reinterpret_cast<const char*>(data), size})) (void)index->serialize();
  return 0;
}
