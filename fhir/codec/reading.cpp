#include "fhir/codec/reading.hpp"

#include <fmt/format.h>

namespace dsf::fhir {

base::result<base::json> reading::value() && {
  if (ok()) return std::move(resource);
  auto text = issues.front().text;
  if (issues.size() > 1) text += fmt::format(" (and {} more)", issues.size() - 1);
  return base::fail(code, std::move(text), issues.front().expression);
}

}  // namespace dsf::fhir
