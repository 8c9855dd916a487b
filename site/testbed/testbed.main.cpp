// dsfd_testbed: a site without a network for tests of processes. JSON lines in and out (site/testbed/README.md); it ends with its input.
#include <atomic>
#include <deque>
#include <iostream>
#include <mutex>
#include <optional>
#include <thread>

#include "site/testbed/bed.hpp"

namespace {

using dsf::base::json;

// Lines as they come, so that the bed can look after its workers between them.
class input {
public:
  input() : reader_([this] { read(); }) {}
  ~input() { reader_.join(); }
  std::optional<std::string> next() {
    const std::lock_guard lock{mutex_};
    if (lines_.empty()) return std::nullopt;
    auto line = std::move(lines_.front());
    lines_.pop_front();
    return line;
  }
  [[nodiscard]] bool over() const { return over_; }

private:
  void read() {
    for (std::string line; std::getline(std::cin, line);) {
      const std::lock_guard lock{mutex_};
      lines_.push_back(std::move(line));
    }
    over_ = true;
  }
  std::mutex mutex_;
  std::deque<std::string> lines_;
  std::atomic<bool> over_{false};
  std::thread reader_;
};

void say(const dsf::base::result<json>& r) {
  json line = r ? *r : json(json::object{});
  line.set("ok", r.has_value());
  if (!r) line.set("error", r.error().to_string());
  std::cout << line.dump() << std::endl;
}

dsf::base::result<std::unique_ptr<dsf::site::bed>> open(const std::string& line) {
  return dsf::site::bed::open(TRY(dsf::site::bed_config::read(TRY(json::parse(line)))));
}

dsf::base::result<json> carry_out(dsf::site::bed& bed, const std::string& line) { return bed.carry_out(TRY(json::parse(line))); }

}  // namespace

int main() {
  std::string first;
  if (!std::getline(std::cin, first)) {
    std::cerr << "dsfd_testbed: the first line of its input is the site's configuration as JSON (site/testbed/README.md)\n";
    return 2;
  }
  auto bed = open(first);
  if (!bed) {
    say(dsf::base::failure(bed.error()));
    return 1;
  }
  say(json(json::object{}));
  input lines;
  while (true) {
    const bool last = lines.over();
    if (const auto line = lines.next())
      say(carry_out(**bed, *line));
    else if (last)
      return 0;
    else
      (*bed)->look_around(1'000);
  }
}
