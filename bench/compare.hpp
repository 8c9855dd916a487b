// dsf-bench compare: two result files side by side.
#pragma once

#include <filesystem>
#include <ostream>

#include "base/result.hpp"

namespace dsf::bench {

struct compare_options {
  std::filesystem::path before, after;  // what --json printed; or folders of such files
  double floor = 0;                     // the least factor that is accepted; 0: none is judged
  bool as_json = false;
};

// False when a figure is below the floor, or missing on one side while a floor is given.
base::result<bool> compare_results(const compare_options& options, std::ostream& out);

}  // namespace dsf::bench
