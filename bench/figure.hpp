// A measured figure beside its limit, and how figures are shown.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace dsf::bench {

// What a figure must reach; `ratio_at_least` is judged everywhere, the other two only where the machine allows it (see README).
struct floor {
  double ratio_at_least = 0;
  double value_at_least = 0;
  double value_at_most = 0;  // judged everywhere: memory and restart time depend little on the disk
};

struct figure {
  std::string name;
  double value = 0;
  std::string unit;
  double p50 = 0;            // microseconds; 0: no distribution
  double p99 = 0;
  double limit = 0;          // in the unit of `value`, or commits a second; 0: none
  double ratio = 0;
  double server_cpu_us = 0;  // of the serving program, for one operation
  std::vector<std::pair<std::string, double>> more;  // shown with --json only
  std::optional<floor> must;
  double p999 = 0;           // 0: not measured
  double max = 0;
};

// Each number is the median of its three.
figure median_of(const std::vector<figure>& runs);
// Sorts `samples`. `part` 0.5 is the median.
double percentile(std::vector<std::int64_t>& samples, double part);
// p50, p99, p99.9 and the longest.
void set_latencies(figure& f, std::vector<std::int64_t>& samples);

struct machine {
  unsigned cores = 0;
  std::string cpu, kernel;
  std::uint64_t memory_mb = 0;
  std::string device;        // of the folder that is measured in
  double sync_p50_us = 0;    // fdatasync after an append of 4 KiB
  double sync_p99_us = 0;
  // The absolute floors were set for such a machine.
  [[nodiscard]] bool judges_absolute_floors() const { return cores == 2 && sync_p50_us < 500; }
};

class report {
public:
  report(std::ostream& out, bool as_json, bool judge) : out_(&out), json_(as_json), judge_(judge) {}
  void about(const machine& m);
  void note(const std::string& line);  // table form only
  void add(const figure& f);
  // False if a floor that is judged was missed.
  bool finish();

private:
  std::ostream* out_;
  bool json_;
  bool judge_;
  bool held_ = true;
  machine machine_;
};

}  // namespace dsf::bench
