// A compiled FHIRPath expression. http://hl7.org/fhirpath/N1 with R4's additions (http://hl7.org/fhir/R4/fhirpath.html)
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "fhir/path/environment.hpp"
#include "fhir/path/errc.hpp"
#include "fhir/path/fwd.hpp"
#include "fhir/path/value.hpp"

namespace dsf::fhir::path {

struct compile_limits {
  std::size_t text_bytes = 20'000;
  std::size_t depth = 100;               // of nested and of chained operators
};

// Never changes once compiled, so threads may share it; copies are cheap.
class expression {
public:
  // errc::syntax with "line:column" as the place, errc::unknown_name for a function or type that does not exist, errc::limit.
  static result<expression> compile(std::string_view text, const compile_limits& limits = {});

  [[nodiscard]] const std::string& text() const { return *text_; }

  result<collection> evaluate(const collection& context, const environment& with) const;
  result<collection> evaluate(const element& context, const environment& with) const;
  // Singleton evaluation as a Boolean (N1, 4.5); nothing for an empty result.
  result<std::optional<bool>> test(const element& context, const environment& with) const;

private:
  std::shared_ptr<const std::string> text_;
  std::shared_ptr<const syntax> root_;
};

}  // namespace dsf::fhir::path
