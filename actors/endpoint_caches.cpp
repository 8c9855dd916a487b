#include "actors/endpoint_caches.hpp"

namespace dsf::actors {

endpoint_caches::endpoint_caches(storage::store& store, fhir::identity_config identities)
    : store_(&store), identities_(std::move(identities)) {}

void endpoint_caches::touch(std::string_view type) {
  if (fhir::directory::depends_on(type)) ++directory_epoch_;
  if (fhir::process_authorizations::depends_on(type)) ++process_epoch_;
  if (fhir::conformance_cache::depends_on(type)) ++conformance_epoch_;
}

void endpoint_caches::written(std::span<const fhir::written> resources) {
  for (const auto& w : resources) touch(w.type);
}

void endpoint_caches::on_commit(std::span<const storage::feed_entry> entries) {
  for (const auto& entry : entries)
    for (const auto& change : entry.resources) touch(change.type);
}

base::result<std::shared_ptr<const endpoint_facts>> endpoint_caches::facts() {
  const std::lock_guard lock{mutex_};
  const auto directory_epoch = directory_epoch_.load(), process_epoch = process_epoch_.load(),
             conformance_epoch = conformance_epoch_.load();
  if (facts_ && directory_epoch == built_directory_ && process_epoch == built_process_ && conformance_epoch == built_conformance_)
    return facts_;
  auto next = facts_ ? std::make_shared<endpoint_facts>(*facts_) : std::make_shared<endpoint_facts>();
  const auto view = store_->view();
  if (!view) return base::fail(storage::errc::closed, "the store is closed");
  if (directory_epoch != built_directory_) {
    next->allow_list = TRY(fhir::directory::build(*view, identities_.base_url));
    by_thumbprint_.clear();
  }
  if (process_epoch != built_process_) next->processes = TRY(fhir::process_authorizations::build(*view));
  if (conformance_epoch != built_conformance_) next->conformance = TRY(fhir::conformance_cache::build(*view));
  built_directory_ = directory_epoch;
  built_process_ = process_epoch;
  built_conformance_ = conformance_epoch;
  facts_ = std::move(next);
  return facts_;
}

base::result<std::optional<fhir::identity>> endpoint_caches::identify(const fhir::certificate_facts& certificate) {
  const auto current = TRY(facts());
  const std::lock_guard lock{mutex_};
  if (const auto at = by_thumbprint_.find(certificate.thumbprint); at != by_thumbprint_.end() && facts_ == current) return at->second;
  auto who = fhir::resolve_identity(certificate, *current->allow_list, identities_);
  if (by_thumbprint_.size() >= 10'000) by_thumbprint_.clear();
  if (facts_ == current) by_thumbprint_[certificate.thumbprint] = who;
  return who;
}

base::result<std::optional<fhir::identity>> endpoint_caches::local() {
  const auto current = TRY(facts());
  const std::lock_guard lock{mutex_};
  return fhir::local_organization(*current->allow_list, identities_);
}

void endpoint_caches::use(std::vector<fhir::practitioner_rule> rules) {
  const std::lock_guard lock{mutex_};
  identities_.practitioner_rules = std::move(rules);
  by_thumbprint_.clear();
}

}  // namespace dsf::actors
