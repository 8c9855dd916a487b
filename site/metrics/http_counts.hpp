// How requests to the FHIR endpoint fared: by route, method and status. Counted by many threads without a lock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/histogram.hpp"
#include "site/metrics/page.hpp"

namespace dsf::site {

class http_counts {
public:
  // `base_path`: where the endpoint is mounted, "/fhir".
  explicit http_counts(std::string base_path);
  ~http_counts();
  http_counts(const http_counts&) = delete;
  http_counts& operator=(const http_counts&) = delete;

  void answered(std::string_view method, std::string_view target, int status, std::int64_t us) noexcept;
  void add_to(metrics_page& page) const;

  // "Task/{id}": the request's path with its ids taken out; "other" for what no route is. Bounded: 26 types with four forms each, and five more.
  [[nodiscard]] std::string route_of(std::string_view target) const;

private:
  struct counts;
  [[nodiscard]] std::size_t index_of(std::string_view target) const noexcept;
  counts& at(std::size_t route) noexcept;

  std::string base_path_;
  std::unique_ptr<std::atomic<counts*>[]> routes_;  // each made when it is first counted
};

}  // namespace dsf::site
