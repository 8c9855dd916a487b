// One run of dsf-bench fhir: a dsfd with the role fhir alone over a store full of Tasks, and what the figures share.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/commands.hpp"
#include "bench/fhir_store.hpp"
#include "bench/load_client.hpp"
#include "bench/tls_limit.hpp"
#include "bench/wire_site.hpp"

namespace dsf::bench {

class fhir_run {
public:
  fhir_run(fhir_options o, report& out, std::filesystem::path folder) : o_(std::move(o)), out_(&out), folder_(std::move(folder)) {}
  base::result<> run();

private:
  // By name, or by how it begins: --only.
  [[nodiscard]] bool wanted(std::string_view name) const { return name.starts_with(o_.common.only); }
  [[nodiscard]] wire_site& site() const { return *sites_->sites.front(); }
  [[nodiscard]] wire_site& remote() const { return *sites_->sites.back(); }
  using maker = std::function<std::unique_ptr<conversation>(std::uint16_t port, unsigned connection)>;
  [[nodiscard]] load_plan plan(const load_target& to, const maker& make, unsigned connections) const;
  base::result<> prepare();

  // fhir_bench.cpp
  base::result<> read(const std::string& name, const char* method);
  base::result<> task_create();
  base::result<> searches();
  // Of one answer, alone.
  base::result<std::string> answer_to(const wire_site& caller, const std::string& method, const std::string& path, std::string body = {});
  base::result<figure> search(const std::string& name, const wire_site& caller, const std::string& query, std::uint64_t expected);

  // fhir_changes.cpp
  base::result<> bundle();
  base::result<> read_beside_writes();
  base::result<> allow_list_change();
  // fhir_binaries.cpp
  base::result<> binaries();
  base::result<figure> bytes(const std::string& name, const maker& make, const std::string& answer, std::size_t size);
  // fhir_sockets.cpp
  base::result<> subscribers();
  // fhir_decisions.cpp: while dsfd is away
  base::result<> decisions();

  fhir_options o_;
  report* out_;
  std::filesystem::path folder_;
  std::unique_ptr<wire_consortium> sites_;
  crowd_made crowd_;
  std::uint64_t next_key_ = 0;
};

}  // namespace dsf::bench
