#include "site/metrics/page.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cassert>
#include <limits>
#include <vector>

namespace dsf::site {
namespace {

prometheus::MetricType type_of(metric_kind kind) {
  switch (kind) {
    case metric_kind::counter: return prometheus::MetricType::Counter;
    case metric_kind::gauge: return prometheus::MetricType::Gauge;
    case metric_kind::histogram: return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

}  // namespace

struct metrics_page::impl {
  std::vector<prometheus::MetricFamily> families;

  prometheus::ClientMetric& add(metric m, labels values) {
    const auto& about = metric_families()[static_cast<std::size_t>(m)];
    prometheus::ClientMetric one;
    auto names = about.labels;
    for (const auto value : values) {
      const auto blank = names.find(' ');
      one.label.push_back({std::string(names.substr(0, blank)), std::string(value)});
      names = blank == names.npos ? std::string_view{} : names.substr(blank + 1);
    }
    assert(names.empty());
    auto& list = families[static_cast<std::size_t>(m)].metric;
    list.push_back(std::move(one));
    return list.back();
  }
};

metrics_page::metrics_page() : impl_(std::make_unique<impl>()) {
  for (const auto& f : metric_families()) impl_->families.push_back({std::string(f.name), std::string(f.help), type_of(f.kind), {}});
}
metrics_page::~metrics_page() = default;

void metrics_page::add(metric m, double value, labels values) {
  auto& one = impl_->add(m, values);
  assert(metric_families()[static_cast<std::size_t>(m)].kind != metric_kind::histogram);
  if (metric_families()[static_cast<std::size_t>(m)].kind == metric_kind::counter)
    one.counter.value = value;
  else
    one.gauge.value = value;
}

void metrics_page::add(metric m, const base::histogram_counts& counts, double per_unit, labels values) {
  assert(metric_families()[static_cast<std::size_t>(m)].kind == metric_kind::histogram);
  auto& h = impl_->add(m, values).histogram;
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < counts.counts.size(); ++i) {
    so_far += counts.counts[i];
    const bool last = i >= counts.bounds.size();
    h.bucket.push_back({so_far, last ? std::numeric_limits<double>::infinity() : static_cast<double>(counts.bounds[i]) / per_unit});
  }
  h.sample_count = so_far;
  h.sample_sum = static_cast<double>(counts.sum) / per_unit;
}

std::string metrics_page::text() const { return prometheus::TextSerializer().Serialize(impl_->families); }

}  // namespace dsf::site
