// A batch Bundle at work (dsf-fhir-server 3.9): entries are prepared and committed one after the other, each on what those before it left.
#pragma once

#include <string_view>

#include "fhir/semantics/interaction.hpp"

namespace dsf::fhir {

class batch_work {
public:
  virtual ~batch_work() = default;
  // The entry under way, prepared: answered at once, or to be committed. After a conflict it is prepared anew.
  virtual prepared entry(const interaction_context& context) = 0;
  // The resource type of that entry.
  [[nodiscard]] virtual std::string_view type() const = 0;
  // How it ended. True: another one is under way now.
  virtual bool ended(const reply& r) = 0;
  // When all have ended.
  [[nodiscard]] virtual reply answer() const = 0;
};

}  // namespace dsf::fhir
