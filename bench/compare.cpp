#include "bench/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace dsf::bench {
namespace {

namespace fs = std::filesystem;
using base::fail;
using base::json;
using base::result;

constexpr std::string_view machine_name = "machine.sync";
// A sync that differs by more than this makes figures of the store differ by themselves.
constexpr double sync_tolerance = 1.25;

struct results {
  std::map<std::string, json> figures;
  std::vector<json> machines;
};

result<> read_file(const fs::path& file, results& into) {
  std::ifstream in(file);
  if (!in) return fail(base::errc::io, "the results can't be read", file.string());
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty()) continue;
    auto figure = json::parse(line);
    if (!figure || (*figure)["name"].str().empty())
      return fail(base::errc::parse, "this is no line that dsf-bench --json printed", fmt::format("{}:{}", file.string(), number));
    auto name = (*figure)["name"].str();
    if (name == machine_name)
      into.machines.push_back(std::move(*figure));
    else
      into.figures.insert_or_assign(std::move(name), std::move(*figure));
  }
  return {};
}

result<results> read_results(const fs::path& path) {
  results out;
  std::error_code ec;
  if (!fs::is_directory(path, ec)) {
    TRY(read_file(path, out));
  } else {
    for (const auto& file : fs::directory_iterator(path, ec))
      if (file.path().extension() == ".json") TRY(read_file(file.path(), out));
  }
  if (out.figures.empty()) return fail(base::errc::invalid_argument, "there are no figures here", path.string());
  return out;
}

double number(const json& figure, std::string_view name) {
  const auto* n = figure[name].if_number();
  return n ? std::strtod(n->text.c_str(), nullptr) : 0;
}

// Of times and memory less is better, of rates more.
bool less_is_better(const json& figure) {
  constexpr std::array<std::string_view, 5> units{"us", "ms", "s", "MB", "KiB"};
  return std::ranges::find(units, figure["unit"].str()) != units.end();
}

// How many times better; 0 when one of them is missing.
double factor(double before, double after, bool less) {
  if (before <= 0 || after <= 0) return 0;
  return less ? before / after : after / before;
}

std::string shown(double factor) { return factor == 0 ? "-" : fmt::format("{:.2f}", factor); }

// One sentence for each fact of the machines that is not the same.
std::vector<std::string> differences(const results& a, const results& b) {
  std::vector<std::string> out;
  if (a.machines.empty() || b.machines.empty()) return {"machine: not known of one side"};
  const auto &x = a.machines.front(), &y = b.machines.front();
  for (const auto* fact : {"cpu", "cores", "memory_mb", "kernel", "device"}) {
    const auto left = x[fact].dump(), right = y[fact].dump();
    if (left != right) out.push_back(fmt::format("machine: {} is {} and {}", fact, left, right));
  }
  const auto worst = [](const results& r) {
    double most = 0;
    for (const auto& m : r.machines) most = std::max(most, number(m, "p50"));
    return most;
  };
  if (const auto left = worst(a), right = worst(b); left > 0 && right > 0 && std::max(left, right) / std::min(left, right) > sync_tolerance)
    out.push_back(fmt::format("machine: a sync takes {:.0f} and {:.0f} us, so figures that write differ by themselves", left, right));
  return out;
}

}  // namespace

result<bool> compare_results(const compare_options& options, std::ostream& out) {
  const auto before = TRY(read_results(options.before)), after = TRY(read_results(options.after));
  bool held = true;
  const auto other = differences(before, after);
  if (!options.as_json) {
    for (const auto& line : other) out << line << "\n";
    out << fmt::format("{:<28} {:>12} {:>12} {:<12} {:>7} {:>7} {:>7}  {}\n", "name", "before", "after", "unit", "better", "p50", "p99",
                       "");
  }
  const auto missing = [&](const std::string& name, const char* side) {
    if (options.floor > 0) held = false;
    if (options.as_json)
      out << json(json::object{{"name", name}, {"missing", side}}).dump() << "\n";
    else
      out << fmt::format("{:<28} only {}\n", name, side);
  };
  for (const auto& [name, a] : before.figures) {
    const auto at = after.figures.find(name);
    if (at == after.figures.end()) {
      missing(name, "before");
      continue;
    }
    const auto& b = at->second;
    if (a["unit"].str() != b["unit"].str())
      return fail(base::errc::invalid_argument,
                  fmt::format("the units differ: {} and {}; these are not the same figure", a["unit"].str(), b["unit"].str()), name);
    const auto better = factor(number(a, "value"), number(b, "value"), less_is_better(a));
    const auto p50 = factor(number(a, "p50"), number(b, "p50"), true), p99 = factor(number(a, "p99"), number(b, "p99"), true);
    const bool good = options.floor <= 0 || better >= options.floor;
    held = held && good;
    if (options.as_json) {
      json line = json::object{{"name", name},
                               {"before", number(a, "value")},
                               {"after", number(b, "value")},
                               {"unit", a["unit"]},
                               {"better", better},
                               {"p50", p50},
                               {"p99", p99}};
      if (options.floor > 0) line.set("held", good);
      out << line.dump() << "\n";
    } else {
      out << fmt::format("{:<28} {:>12.1f} {:>12.1f} {:<12} {:>7} {:>7} {:>7}  {}\n", name, number(a, "value"), number(b, "value"),
                         a["unit"].str(), shown(better), shown(p50), shown(p99), good ? "" : fmt::format("below {:.2f}", options.floor));
    }
  }
  for (const auto& [name, b] : after.figures)
    if (!before.figures.contains(name)) missing(name, "after");
  if (options.as_json)
    for (const auto& line : other) out << json(json::object{{"name", "machine"}, {"differs", line}}).dump() << "\n";
  return held;
}

}  // namespace dsf::bench
