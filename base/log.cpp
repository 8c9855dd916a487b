#include "base/log.hpp"
#include "base/log_file.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/clock.hpp"

namespace dsf::base {
namespace {

std::string_view level_name(log_level level) {
  switch (level) {
    case log_level::debug: return "debug";
    case log_level::info: return "info";
    case log_level::warning: return "warning";
    default: return "error";
  }
}

class spdlog_sink final : public log_sink {
public:
  spdlog_sink(const std::string& path, std::size_t max_bytes, std::size_t keep) {
    std::shared_ptr<spdlog::sinks::sink> sink;
    if (path == "-")
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    else if (max_bytes > 0)
      sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(path, max_bytes, keep);
    else
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    logger_ = std::make_shared<spdlog::logger>("dsf", sink);
    logger_->set_pattern("%v");
    logger_->flush_on(spdlog::level::info);
  }
  void line(std::string_view json_line) override { logger_->info(json_line); }

private:
  std::shared_ptr<spdlog::logger> logger_;
};

class discard final : public log_sink {
public:
  void line(std::string_view) override {}
};

}  // namespace

logger::logger(clock& time, std::string site, log_level least, std::shared_ptr<log_sink> sink)
    : clock_(&time), site_(std::move(site)), least_(least), sink_(std::move(sink)) {}

void logger::log(log_level level, std::string_view component, std::string_view message, const log_context& c,
                 std::vector<field> fields) const {
  if (!enabled(level)) return;
  std::string out = "{\"time\":\"" + to_iso(clock_->now(), 6) + "\",\"level\":\"";
  out += level_name(level);
  out += '"';
  const auto text = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out += ",\"";
    out += name;
    out += "\":";
    append_json_string(out, value);
  };
  text("site", site_);
  text("component", component);
  text("message", message);
  text("identity", c.identity);
  text("partner", c.partner);
  text("process", c.process);
  text("instance", c.instance);
  text("businessKey", c.business_key);
  text("task", c.task);
  text("activity", c.activity);
  if (c.attempt > 0) out += ",\"attempt\":" + std::to_string(c.attempt);
  for (const auto& [name, value] : fields) {
    out += ',';
    append_json_string(out, name);
    out += ':';
    value.append_to(out);
  }
  out += '}';
  sink_->line(out);
}

std::shared_ptr<log_sink> file_log_sink(const std::string& path) { return std::make_shared<spdlog_sink>(path, 0, 0); }
std::shared_ptr<log_sink> rotating_log_sink(const std::string& path, std::size_t max_bytes, std::size_t keep) {
  return std::make_shared<spdlog_sink>(path, max_bytes, keep);
}
std::shared_ptr<log_sink> null_log_sink() { return std::make_shared<discard>(); }

}  // namespace dsf::base
