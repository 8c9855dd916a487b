// Any text as an expression over a small resource: never a crash, never beyond the limits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "fhir/path/expression.hpp"

using namespace dsf;

namespace {

const base::json& resource() {
  static const auto out = base::json::parse(R"({"resourceType": "Patient", "id": "p", "active": true, "birthDate": "1980-02-29",
    "contained": [{"resourceType": "Organization", "id": "o"}], "_gender": {"extension": [{"url": "u", "valueDecimal": 1.50}]},
    "name": [{"family": "A", "given": ["b", "c"]}], "multipleBirthInteger": 2,
    "extension": [{"url": "q", "valueQuantity": {"value": 3, "system": "http://unitsofmeasure.org", "code": "mg"}}]})")
                              .value();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto e = fhir::path::expression::compile({reinterpret_cast<const char*>(data), size});
  if (!e) return 0;
  auto with = fhir::path::environment::of(resource());
  with.now = base::timestamp{1'790'000'000'123'000};
  with.references_by_type = true;
  const auto r = e->evaluate(fhir::path::element::of(resource()), with);
  if (!r) return 0;
  if (r->size() > with.limits.items) std::abort();
  for (const auto& i : *r) (void)fhir::path::text_of(i);
  // The same again gives the same.
  const auto again = e->evaluate(fhir::path::element::of(resource()), with);
  if (!again || again->size() != r->size()) std::abort();
  return 0;
}
