// What every request of the FHIR endpoint is checked against, kept between commits: allow-list, process authorizations, profiles, identities.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "base/result.hpp"
#include "fhir/semantics/conformance_cache.hpp"
#include "fhir/semantics/directory.hpp"
#include "fhir/semantics/identity.hpp"
#include "fhir/semantics/process_authorization.hpp"
#include "storage/store.hpp"

namespace dsf::actors {

struct endpoint_facts {
  std::shared_ptr<const fhir::directory> allow_list;
  std::shared_ptr<const fhir::process_authorizations> processes;
  std::shared_ptr<const fhir::conformance_cache> conformance;
};

class endpoint_caches {
public:
  endpoint_caches(storage::store& store, fhir::identity_config identities);

  // Current as of every commit whose answer was given before the call.
  base::result<std::shared_ptr<const endpoint_facts>> facts();
  // Nothing: not on the allow-list.
  base::result<std::optional<fhir::identity>> identify(const fhir::certificate_facts& certificate);
  // The site itself; nothing until its own Organization is there.
  base::result<std::optional<fhir::identity>> local();
  [[nodiscard]] const fhir::identity_config& config() const { return identities_; }

  // Who people are, from now on.
  void use(std::vector<fhir::practitioner_rule> rules);

  // What a commit is about to be answered with: the store tells its listeners after the answer, and a caller that has its answer must find it in force.
  void written(std::span<const fhir::written> resources);
  // From the store's commit listener: marks what a commit has touched.
  void on_commit(std::span<const storage::feed_entry> entries);

private:
  void touch(std::string_view type);
  storage::store* store_;
  fhir::identity_config identities_;
  std::atomic<std::uint64_t> directory_epoch_{1}, process_epoch_{1}, conformance_epoch_{1};
  std::mutex mutex_;
  std::uint64_t built_directory_ = 0, built_process_ = 0, built_conformance_ = 0;
  std::shared_ptr<const endpoint_facts> facts_;
  std::unordered_map<std::string, std::optional<fhir::identity>> by_thumbprint_;  // at most 10,000, then forgotten
};

}  // namespace dsf::actors
