// What a run did, step by step: a hash over all of it, and the last steps in words.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace dsf::simulation {

struct step_record {
  std::int64_t us = 0;     // since the run began, in virtual time
  const char* what = "";
  std::uint64_t site = 0;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
};

class trace {
public:
  trace(std::size_t keep, bool with_actors) : keep_(keep), with_actors_(with_actors) {}

  void add(const step_record& s) {
    ++steps_;
    for (const char* p = s.what; *p != '\0'; ++p) mix(static_cast<unsigned char>(*p));
    for (const auto n : {static_cast<std::uint64_t>(s.us), s.site, s.a, s.b}) mix(n);
    // Most steps are messages of actors, which say little.
    if (std::string_view(s.what) == "actor" && !with_actors_) return;
    last_.push_back(s);
    if (last_.size() > keep_) last_.pop_front();
  }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] std::string last_steps() const {
    std::string out;
    for (const auto& s : last_)
      out += fmt::format("  {:>13.6f} s  site {}  {:<16} {} {}\n", static_cast<double>(s.us) / 1e6, s.site, s.what, s.a, s.b);
    return out;
  }

private:
  void mix(std::uint64_t n) {
    hash_ ^= n;
    hash_ *= 0x9e3779b97f4a7c15ULL;
    hash_ ^= hash_ >> 29;
  }
  std::size_t keep_;
  bool with_actors_;
  std::deque<step_record> last_;
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
  std::uint64_t steps_ = 0;
};

}  // namespace dsf::simulation
