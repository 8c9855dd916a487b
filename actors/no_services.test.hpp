// Services for handlers of tests that use none.
#pragma once

#include <cstdlib>

#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "base/uuid.hpp"
#include "plugins/handler.hpp"

namespace dsf::actors {

struct no_services final : plugins::services {
  plugins::member local() const override { return {}; }
  base::result<std::vector<plugins::member>> members() override { return std::vector<plugins::member>{}; }
  base::result<std::vector<plugins::member>> members(std::string_view, std::string_view) override { return std::vector<plugins::member>{}; }
  base::result<std::vector<std::string>> parents_of(std::string_view, std::string_view) override { return std::vector<std::string>{}; }
  plugins::fhir_client& local_endpoint() override { std::abort(); }
  std::shared_ptr<plugins::fhir_client> endpoint(std::string_view) override { return nullptr; }
  base::result<std::uint64_t> cohort_count(const base::json&) override { return std::uint64_t{0}; }
  std::string setting(std::string_view) const override { return {}; }
  base::json process_configuration(std::string_view) const override { return {}; }
  base::result<std::string> update_state(std::string_view, const std::function<std::string(const std::string&)>& f) override {
    return f("");
  }
  base::timestamp now() const override { return base::system_clock_source().now(); }
  double uniform() override { return 0; }
  std::string new_uuid() override { return base::uuid::random(base::system_entropy()).to_string(); }
  const base::logger& log() const override {
    static const base::logger quiet{base::system_clock_source(), "test", base::log_level::off, base::null_log_sink()};
    return quiet;
  }
  base::log_context log_context() const override { return {}; }
};

}  // namespace dsf::actors
