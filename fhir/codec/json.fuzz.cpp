// Reads any bytes as FHIR JSON; what is valid must survive XML. Build with clang++ and -DDSF_FUZZ=ON, then run
// fuzz_fhir_json -max_len=4096 -max_total_time=60 <folder with seeds>
#include <cstdint>
#include <cstdlib>

#include "fhir/codec/json.hpp"
#include "fhir/codec/xml.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsf::fhir;
  const auto read = read_json({reinterpret_cast<const char*>(data), size});
  if (!read.ok()) return 0;
  const auto xml = write_xml(read.resource);
  if (!xml) std::abort();
  const auto back = read_xml(*xml);
  if (!back.ok()) std::abort();
  if (*write_xml(back.resource) != *xml) std::abort();
  return 0;
}
