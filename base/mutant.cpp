#include "base/mutant.hpp"

#ifdef DSF_MUTANTS

#include <cstdlib>
#include <string_view>

namespace dsf::base {

bool mutant(const char* name) {
  static const char* const chosen = std::getenv("DSF_MUTANT");
  return chosen != nullptr && std::string_view(chosen) == name;
}

}  // namespace dsf::base

#endif
