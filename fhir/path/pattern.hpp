// Regular expressions by RE2; private to this room. FHIRPath N1, 5.6.8 (matches), 5.6.9 (replaceMatches)
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace dsf::fhir::path {

// Linear in the text whatever the pattern. Look-around and back-references of PCRE are not taken.
class pattern {
public:
  virtual ~pattern() = default;
  // Never null; a text that is no pattern makes one whose fault() is not empty.
  static std::shared_ptr<const pattern> compile(std::string_view text, bool whole_match);
  [[nodiscard]] virtual const std::string& fault() const = 0;
  [[nodiscard]] virtual bool matches(std::string_view text) const = 0;
  // $1, ${name} and $$ of the substitution are replaced; stops and gives nothing when the result grows beyond `most`.
  [[nodiscard]] virtual bool replace_all(std::string_view text, std::string_view substitution, std::size_t most,
                                         std::string& out) const = 0;
};

}  // namespace dsf::fhir::path
