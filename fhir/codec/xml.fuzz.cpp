// Reads any bytes as FHIR XML; what is valid must survive JSON. Build with clang++ and -DDSF_FUZZ=ON, then run
// fuzz_fhir_xml -max_len=4096 -max_total_time=60 <folder with seeds>
#include <cstdint>
#include <cstdlib>

#include "fhir/codec/json.hpp"
#include "fhir/codec/xml.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsf::fhir;
  const auto read = read_xml({reinterpret_cast<const char*>(data), size});
  if (!read.ok()) return 0;
  const auto back = read_json(read.resource.dump());
  if (!back.ok() || back.resource != read.resource) std::abort();
  const auto xml = write_xml(read.resource);
  if (!xml) std::abort();
  const auto again = read_xml(*xml);
  if (!again.ok() || again.resource != read.resource) std::abort();
  return 0;
}
