// Logs are JSON lines. The context is a value that is passed along, never a thread-local.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"

namespace dsf::base {

enum class log_level : std::uint8_t { debug, info, warning, error, off };

// Who and what a line is about. Empty fields are left out. None of them may hold patient data or secrets.
struct log_context {
  std::string identity;      // organisation identifier of the caller
  std::string partner;       // organisation identifier of the other site
  std::string process;       // process key|version
  std::string instance;      // process instance id, UUID
  std::string business_key;
  std::string task;          // Task/<id>
  std::string activity;      // BPMN element id
  int attempt = 0;
};

struct log_sink {
  virtual ~log_sink() = default;
  virtual void line(std::string_view json_line) = 0;
};

class clock;

// Thread-safe. One a program; `site` stands on every line.
class logger {
public:
  using field = std::pair<std::string_view, json>;
  logger(clock& time, std::string site, log_level least, std::shared_ptr<log_sink> sink);
  void log(log_level level, std::string_view component, std::string_view message, const log_context& context = {},
           std::vector<field> fields = {}) const;
  void debug(std::string_view component, std::string_view message, const log_context& c = {}, std::vector<field> f = {}) const {
    log(log_level::debug, component, message, c, std::move(f));
  }
  void info(std::string_view component, std::string_view message, const log_context& c = {}, std::vector<field> f = {}) const {
    log(log_level::info, component, message, c, std::move(f));
  }
  void warning(std::string_view component, std::string_view message, const log_context& c = {}, std::vector<field> f = {}) const {
    log(log_level::warning, component, message, c, std::move(f));
  }
  void error(std::string_view component, std::string_view message, const log_context& c = {}, std::vector<field> f = {}) const {
    log(log_level::error, component, message, c, std::move(f));
  }
  [[nodiscard]] bool enabled(log_level level) const noexcept { return level >= least_; }

private:
  clock* clock_;
  std::string site_;
  log_level least_;
  std::shared_ptr<log_sink> sink_;
};

// File (appended to) or stderr ("-"), on spdlog; each line is flushed. Throws nothing after it was opened; opening may throw.
std::shared_ptr<log_sink> file_log_sink(const std::string& path);
std::shared_ptr<log_sink> null_log_sink();

}  // namespace dsf::base
