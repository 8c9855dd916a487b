#pragma once

#include <fmt/format.h>

#include "fhir/semantics/profiles/check_run.hpp"

namespace dsf::fhir {

template <class Text>
void check_run::fault(const element_rule& rule, std::string_view code, const Text& text, std::string_view severity) {
  if (severity == "error") ++faults_;
  if (quiet_ > 0 || issues_.size() >= limit_) return;
  put(severity, code, path(), fmt::format("{}: {} (from {}|{})", rule.id, text(), profile_->url(), profile_->version()));
}

}  // namespace dsf::fhir
