#include "bench/figure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/json.hpp"

namespace dsf::bench {
namespace {

double median(std::vector<double> v) {
  if (v.empty()) return 0;
  std::ranges::sort(v);
  return v[v.size() / 2];
}

std::string short_number(double v) {
  if (v == 0) return "-";
  if (v >= 100) return fmt::format("{:.0f}", v);
  if (v >= 1) return fmt::format("{:.2f}", v);
  return fmt::format("{:.3f}", v);
}

std::string milliseconds(double us) { return us == 0 ? "-" : fmt::format("{:.2f}", us / 1000); }

}  // namespace

double percentile(std::vector<std::int64_t>& samples, double part) {
  if (samples.empty()) return 0;
  std::ranges::sort(samples);
  const auto at = static_cast<std::size_t>(part * static_cast<double>(samples.size() - 1));
  return static_cast<double>(samples[at]);
}

void set_latencies(figure& f, std::vector<std::int64_t>& samples) {
  f.p50 = percentile(samples, 0.5);
  f.p99 = percentile(samples, 0.99);
  f.p999 = percentile(samples, 0.999);
  f.max = percentile(samples, 1);
}

figure median_of(const std::vector<figure>& runs) {
  auto out = runs.front();
  const auto of = [&](double figure::* member) {
    std::vector<double> v;
    for (const auto& r : runs) v.push_back(r.*member);
    return median(std::move(v));
  };
  for (const auto member :
       {&figure::value, &figure::p50, &figure::p99, &figure::p999, &figure::max, &figure::limit, &figure::ratio, &figure::server_cpu_us})
    out.*member = of(member);
  for (std::size_t i = 0; i < out.more.size(); ++i) {
    std::vector<double> v;
    for (const auto& r : runs) v.push_back(r.more.at(i).second);
    out.more[i].second = median(std::move(v));
  }
  return out;
}

void report::about(const machine& m) {
  machine_ = m;
  if (json_) {
    base::json j;
    j.set("name", "machine.sync");
    j.set("value", m.sync_p50_us);
    j.set("unit", "us");
    j.set("p50", m.sync_p50_us);
    j.set("p99", m.sync_p99_us);
    j.set("device", m.device);
    j.set("cores", static_cast<std::uint64_t>(m.cores));
    j.set("cpu", m.cpu);
    j.set("memory_mb", m.memory_mb);
    j.set("kernel", m.kernel);
    *out_ << j.dump() << std::endl;
    return;
  }
  *out_ << fmt::format("device {}, sync of 4 KiB p50 {:.3f} ms p99 {:.3f} ms, {} cores; absolute floors are {}\n", m.device,
                       m.sync_p50_us / 1000, m.sync_p99_us / 1000, m.cores, m.judges_absolute_floors() ? "judged" : "printed, not judged");
  *out_ << fmt::format("{:<26} {:>10} {:<12} {:>9} {:>9} {:>9} {:>9} {:>10} {:>6} {:>8}  {}\n", "name", "value", "unit", "p50 ms", "p99 ms",
                       "p99.9 ms", "max ms", "limit", "ratio", "cpu us", "floor")
        << std::flush;
}

void report::note(const std::string& line) {
  if (!json_) *out_ << "  " << line << std::endl;
}

void report::add(const figure& f) {
  std::string verdicts;
  const auto verdict = [&](bool good, bool judged, const std::string& text) {
    judged = judged && judge_;
    if (judged && !good) held_ = false;
    verdicts += (verdicts.empty() ? "" : ", ") + text + (good ? " held" : judged ? " MISSED" : " not reached (not judged)");
  };
  if (f.must) {
    if (f.must->ratio_at_least > 0) verdict(f.ratio >= f.must->ratio_at_least, true, fmt::format("ratio {:.2f}", f.must->ratio_at_least));
    if (f.must->value_at_least > 0)
      verdict(f.value >= f.must->value_at_least, machine_.judges_absolute_floors(),
              fmt::format("{:.0f} {}", f.must->value_at_least, f.unit));
    if (f.must->value_at_most > 0)
      verdict(f.value <= f.must->value_at_most, true,
              fmt::format("at most {:.{}f} {}", f.must->value_at_most,
                          f.must->value_at_most < 10 && f.must->value_at_most != std::floor(f.must->value_at_most) ? 2 : 0, f.unit));
  }
  if (!json_) {
    *out_ << fmt::format("{:<26} {:>10} {:<12} {:>9} {:>9} {:>9} {:>9} {:>10} {:>6} {:>8}  {}\n", f.name, short_number(f.value), f.unit,
                         milliseconds(f.p50), milliseconds(f.p99), milliseconds(f.p999), milliseconds(f.max), short_number(f.limit),
                         f.ratio == 0 ? "-" : fmt::format("{:.2f}", f.ratio), short_number(f.server_cpu_us), verdicts)
          << std::flush;
    return;
  }
  base::json j;
  j.set("name", f.name);
  j.set("value", f.value);
  j.set("unit", f.unit);
  j.set("p50", f.p50);
  j.set("p99", f.p99);
  if (f.max > 0) {
    j.set("p999", f.p999);
    j.set("max", f.max);
  }
  j.set("limit", f.limit);
  j.set("ratio", f.ratio);
  j.set("server_cpu_us", f.server_cpu_us);
  for (const auto& [name, value] : f.more) j.set(name, value);
  if (!verdicts.empty()) j.set("floor", verdicts);
  *out_ << j.dump() << std::endl;
}

bool report::finish() {
  if (!json_ && !held_) *out_ << "a floor was missed\n";
  return held_;
}

}  // namespace dsf::bench
