// The page /metrics, in Prometheus' text format. This header knows no prometheus-cpp.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "base/histogram.hpp"
#include "site/metrics/families.hpp"

namespace dsf::site {

class metrics_page {
public:
  metrics_page();
  ~metrics_page();
  metrics_page(const metrics_page&) = delete;
  metrics_page& operator=(const metrics_page&) = delete;

  // Label values in the order of the family's labels. They come from lists that an operator keeps short (allow-list, deployed processes, routes):
  // never a business key, an id of a resource or anything a patient's data could reach.
  using labels = std::initializer_list<std::string_view>;
  void add(metric m, double value, labels values = {});
  // `per_unit`: how many of the histogram's numbers are one of the metric's; 1e6 for microseconds.
  void add(metric m, const base::histogram_counts& counts, double per_unit, labels values = {});

  // Every family of the table, also those without a value.
  [[nodiscard]] std::string text() const;
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace dsf::site
