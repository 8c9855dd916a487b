#include "bench/cross_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace dsf::bench {
namespace {

using base::fail;
using base::result;

constexpr int not_found = 127;
constexpr int key_bytes = 40;

std::string quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// What the command prints, errors included.
result<std::string> output_of(const std::string& command, const std::string& program, const std::string& package) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return fail(base::errc::io, "no program can be started", program);
  std::string out;
  char block[4096];
  for (std::size_t n = 0; (n = ::fread(block, 1, sizeof block, pipe)) > 0;) out.append(block, n);
  const int status = ::pclose(pipe);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  if (code == not_found)
    return fail(base::errc::invalid_argument,
                fmt::format("{} is not there: install Debian's package {}, or leave out --cross-check", program, package));
  if (code != 0) return fail(base::errc::io, fmt::format("{} ended with {}: {}", program, code, out.substr(0, 400)));
  return out;
}

// The number before `word` in the line that begins with `line`.
result<double> number_before(const std::string& text, const std::string& line, const std::string& word, const std::string& program) {
  const auto at = text.rfind("\n" + line);
  const auto end = at == text.npos ? at : text.find(word, at);
  if (end == text.npos) return fail(base::errc::parse, fmt::format("{} did not print '{}': {}", program, word, text.substr(0, 400)));
  const auto last = text.find_last_not_of(' ', end - 1);
  const auto from = text.find_last_of(" \n", last);
  return std::strtod(text.c_str() + from + 1, nullptr);
}

}  // namespace

result<double> db_bench_commits(const std::filesystem::path& folder, const commit_shape& shape, double seconds) {
  const auto rows = std::max(1L, std::lround(shape.rows));
  const auto value = std::max(1L, std::lround(shape.bytes / static_cast<double>(rows)) - key_bytes);
  const auto command = fmt::format(
      "db_bench --benchmarks=fillrandom --sync=1 --db={} --threads={} --batch_size={} --key_size={} --value_size={} --duration={} "
      "--num=1000000 --compression_type=lz4 --stats_interval_seconds=0",
      quoted(folder.string()), shape.in_flight, rows, key_bytes, value, std::max(1L, std::lround(seconds)));
  const auto text = TRY(output_of(command, "db_bench", "rocksdb-tools"));
  std::error_code ec;
  std::filesystem::remove_all(folder, ec);
  return TRY(number_before(text, "fillrandom ", " ops/sec", "db_bench")) / static_cast<double>(rows);
}

result<double> wrk_requests(const std::string& url, unsigned connections, unsigned threads, double seconds) {
  const auto command = fmt::format("wrk --connections {} --threads {} --duration {}s --header 'Accept: application/fhir+json' {}",
                                   connections, threads, std::max(1L, std::lround(seconds)), quoted(url));
  const auto text = TRY(output_of(command, "wrk", "wrk"));
  const auto at = text.find("Requests/sec:");
  if (at == text.npos || text.find("Non-2xx") != text.npos)
    return fail(base::errc::parse, "wrk did not get its answers: " + text.substr(0, 600));
  return std::strtod(text.c_str() + at + 13, nullptr);
}

figure check_figure(const std::string& name, const std::string& unit, double ours, double theirs) {
  figure f;
  f.name = name;
  f.unit = unit;
  f.value = ours;
  f.limit = theirs;
  f.ratio = theirs > 0 ? ours / theirs : 0;
  f.must = floor{.ratio_at_least = cross_check_floor};
  return f;
}

}  // namespace dsf::bench
