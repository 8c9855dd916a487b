#include "storage/instances/large_values.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/bytes.hpp"
#include "base/mutant.hpp"
#include "storage/instances/value_codec.hpp"
#include "storage/view.hpp"

namespace dsf::storage {

namespace codec = instance_codec;

namespace {

base::result<std::string> sha256_of(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_sha256(), nullptr) != 1)
    return base::fail(base::errc::internal, "SHA-256 is not available");
  return std::string(reinterpret_cast<const char*>(digest), length);
}

}  // namespace

void stored_values::add(std::string sha256) {
  if (hashes_.size() >= limit) hashes_.clear();
  hashes_.insert(std::move(sha256));
}

std::string large_values::refer(std::string bytes) {
  ++references_;
  if (!DSF_MUTANT("storage.large_value_not_counted")) referred_bytes_ += bytes.size();
  auto sha256 = name_of(bytes);
  if (!sha256) {
    error_ = std::move(sha256).error();
    return {};
  }
  if ((known_ == nullptr || !known_->contains(*sha256)) && collected_.insert(*sha256).second)
    to_put_.push_back({*sha256, std::move(bytes)});
  return *std::move(sha256);
}

base::result<std::string> large_values::name_of(std::string_view bytes) {
  if (!key_) return sha256_of(bytes);
  if (!opened_) opened_ = TRY(key_());
  return keyed_name(*opened_, bytes);
}

base::result<> large_values::status() const {
  if (error_) return base::failure(*error_);
  return {};
}

std::vector<large_value> large_values::take_to_put() {
  collected_.clear();
  return std::exchange(to_put_, {});
}

large_value_reader::large_value_reader(std::string name, std::shared_ptr<const store_view> view, std::uint64_t instance)
    : large_value_reader(std::move(name),
                         [view = std::move(view), instance](std::string_view sha256) { return view->value_of(instance, sha256); }) {}

base::result<bpmn::shared_value> large_value_reader::find(const std::string& sha256, std::uint64_t size) {
  const auto damaged = [&](std::string_view what) {
    return base::error(errc::damaged,
                       fmt::format("the large value {} ({} bytes) of instance {} {}. Restore the store from a backup", base::to_hex(sha256),
                                   size, instance_, what),
                       instance_);
  };
  referred_bytes_ += size;
  if (const auto hit = found_.find(sha256); hit != found_.end()) {
    if (hit->second.size != size) return base::failure(damaged("has another size"));
    return hit->second.content;
  }
  auto row = read_(sha256);
  if (!row) {
    if (row.error().is(errc::erased) && stands_in_)
      return found_.emplace(sha256, entry{bpmn::value(fmt::format("\"({} bytes erased)\"", size)), size}).first->second.content;
    if (row.error().is(errc::erased)) return base::failure(std::move(row).error().at(instance_));
    if (!row.error().is(errc::damaged)) return base::failure(std::move(row).error());
    return base::failure(damaged("has a damaged row").because(std::move(row).error()));
  }
  if (!*row) return base::failure(damaged("is missing"));
  const std::string& bytes = (*row)->bytes;
  // Of a sealed row the seal has shown that it is the one of this name.
  if (!DSF_MUTANT("storage.large_value_hash_not_checked") && (bytes.size() != size || (!(*row)->sealed && TRY(sha256_of(bytes)) != sha256)))
    return base::failure(damaged("is not what its hash says"));
  // What follows was written by a release of this program: the hash holds.
  pb::Value content;
  bool ok = codec::parse(bytes, content);
  bpmn::value v;
  if (ok) v = codec::take(std::move(content), ok);
  if (!ok) return base::failure(damaged("does not read as a value"));
  if (v.is_null())
    return base::fail(errc::newer_format,
                      fmt::format("the large value {} of instance {} is of a kind that this program does not know; use the release that "
                                  "wrote it, or a newer one",
                                  base::to_hex(sha256), instance_),
                      instance_);
  return found_.emplace(sha256, entry{std::move(v), size}).first->second.content;
}

void large_value_reader::add_to(stored_values& known) const {
  for (const auto& [sha256, row] : found_) known.add(sha256);
}

}  // namespace dsf::storage
