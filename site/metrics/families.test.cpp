// A name in the documentation, the dashboard or an alert that the program does not have would stay unseen until it is needed.
#include "site/metrics/families.hpp"

#include <fmt/format.h>
#include <array>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "site/metrics/page.hpp"

using namespace dsf::site;

namespace {

std::string text_of(const std::string& file) {
  std::ifstream in(DSF_SOURCE_DIR "/docs/" + file);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool is_name_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

std::set<std::string> names_in(const std::string& text) {
  std::set<std::string> out;
  for (const std::string begin : {"dsfd_", "process_"})
    for (auto at = text.find(begin); at != text.npos; at = text.find(begin, at + 1)) {
      if (at > 0 && is_name_char(text[at - 1])) continue;
      auto end = at;
      while (end < text.size() && is_name_char(text[end])) ++end;
      out.insert(text.substr(at, end - at));
    }
  return out;
}

// As Prometheus knows them.
std::set<std::string> exported_names() {
  std::set<std::string> out;
  for (const auto& f : metric_families()) {
    const std::string name(f.name);
    if (f.kind == metric_kind::histogram)
      for (const auto* part : {"_bucket", "_sum", "_count"}) out.insert(name + part);
    else
      out.insert(name);
  }
  return out;
}

}  // namespace

TEST_CASE("dashboard and alerts name metrics that exist, and the dashboard all of them", "[metrics]") {
  const auto known = exported_names();
  std::set<std::string> shown;
  for (const auto* file : {"grafana/dsfd.json", "prometheus/alerts.yaml"}) {
    const auto used = names_in(text_of(file));
    CHECK(used.size() > 10);
    for (const auto& name : used) {
      INFO(file << ": " << name);
      CHECK(known.contains(name));
    }
    shown.insert(used.begin(), used.end());
  }
  for (const auto& f : metric_families()) {
    INFO("neither dashboard nor alerts show " << f.name);
    CHECK(std::any_of(shown.begin(), shown.end(), [&](const auto& s) { return s.starts_with(f.name); }));
  }
}

TEST_CASE("docs/metrics.md has the table of the program", "[metrics]") {
  const auto page = text_of("metrics.md");
  for (const auto& f : metric_families()) {
    std::string labels;
    for (const char c : f.labels) labels += c == ' ' ? std::string(", ") : std::string(1, c);
    const auto row = fmt::format("| `{}` | {} | {} | {} |", f.name, to_string(f.kind), labels, f.help);
    INFO("docs/metrics.md should have this line: " << row);
    CHECK(page.find("\n" + row + "\n") != page.npos);
  }
  for (const auto& name : names_in(page)) {
    INFO(name);
    CHECK((exported_names().contains(name) ||
           std::any_of(metric_families().begin(), metric_families().end(), [&](const auto& f) { return f.name == name; })));
  }
}

// https://prometheus.io/docs/practices/naming: counters end with _total, units are base units, the name tells the unit.
TEST_CASE("names follow Prometheus' rules", "[metrics]") {
  for (const auto& f : metric_families()) {
    INFO(f.name);
    CHECK(f.name.ends_with("_total") == (f.kind == metric_kind::counter));
    CHECK((f.name.starts_with("dsfd_") || f.name.starts_with("process_")));
    for (const auto* wrong : {"_ms", "_us", "_millis", "_kib", "_mib", "_count", "_sum", "_bucket"}) CHECK_FALSE(f.name.ends_with(wrong));
    CHECK(f.help.ends_with("."));
  }
}

TEST_CASE("the page has every family, and histograms add up", "[metrics]") {
  metrics_page page;
  const std::array<std::uint64_t, 2> bounds{1'000, 2'500'000};
  dsf::base::histogram h(bounds);
  for (const auto us : {900, 1'000, 1'001, 3'000'000}) h.observe(static_cast<std::uint64_t>(us));
  page.add(metric::commit_duration, h.read(), 1e6);
  page.add(metric::process_instances, 3, {"a\"b\\c|1.0", "running"});
  const auto text = page.text();
  INFO(text);
  const auto has = [&](const std::string& line) { return ("\n" + text).find("\n" + line + "\n") != text.npos; };
  for (const auto& f : metric_families()) CHECK(has(fmt::format("# TYPE {} {}", f.name, to_string(f.kind))));
  CHECK(has(R"(dsfd_commit_seconds_bucket{le="0.001"} 2)"));
  CHECK(has(R"(dsfd_commit_seconds_bucket{le="2.5"} 3)"));
  CHECK(has(R"(dsfd_commit_seconds_bucket{le="+Inf"} 4)"));
  CHECK(has("dsfd_commit_seconds_count 4"));
  CHECK(has(R"(dsfd_process_instances{process="a\"b\\c|1.0",state="running"} 3)"));
}
