// Counting cohorts over a folder of NDJSON files, without a repository: what `dsfctl cohort count` does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/errors.hpp"

namespace dsf::storage {

struct cohort_count_request {
  std::filesystem::path data;     // folder; every *.ndjson in it is read
  std::filesystem::path mapping;
  std::filesystem::path tree;
  std::string day;                // YYYY-MM-DD
  std::vector<std::filesystem::path> queries;
};
struct cohort_count_line {
  std::string query;  // as given
  std::uint64_t count = 0;
};

// Exact counts, in the order of the queries; for the site's own eyes only. The first error names its file.
result<std::vector<cohort_count_line>> cohort_count_folder(const cohort_count_request& request);
// "<query file> <count>\n" for each.
std::string to_text(std::span<const cohort_count_line> lines);

}  // namespace dsf::storage
