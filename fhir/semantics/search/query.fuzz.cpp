// The query parser with any text: first byte chooses the type, the rest is the query string.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fhir/semantics/names.hpp"
#include "fhir/semantics/search/query.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsf::fhir;
  if (size == 0) return 0;
  const auto type = names::served_types[data[0] % names::served_types.size()];
  const auto parameters = parse_query_string({reinterpret_cast<const char*>(data) + 1, size - 1});
  if (!parameters) return 0;
  const auto query = parse_search(type, *parameters, "https://a.example/fhir");
  if (query.errors.empty() != error_text(query.errors).empty()) std::abort();
  // What was taken reads the same again.
  const auto again = parse_search(type, query.normalised, "https://a.example/fhir");
  if (again.conditions.size() != query.conditions.size() || !again.errors.empty()) std::abort();
  for (const auto& c : query.conditions) (void)c.accepts("abc");
  for (const auto& [name, value] : query.normalised)
    if (const auto back = parse_query_string(name + "=" + percent_encoded(value));
        !back || back->size() != 1 || back->front().second != value)
      std::abort();
  return 0;
}
