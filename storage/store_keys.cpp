// Data keys and what is sealed under them (docs/decisions/erasure.md).
#include <algorithm>

#include "base/bytes.hpp"
#include "base/mutant.hpp"
#include "fhir/semantics/sealing.hpp"
#include "storage/sealed_parts.hpp"
#include "storage/store_impl.hpp"

namespace dsf::storage {

result<void> store::impl::open_master_key() {
  if (master_) return {};
  // Rows of tests and the simulation have no folder; their key follows from what they hold.
  if (!folder_) {
    master_ = std::make_shared<const master_key>(
        TRY(secret_key::derived({reinterpret_cast<const char*>(about_.salt.data()), about_.salt.size()}, "dsfd master key")));
    return {};
  }
  std::optional<std::string> any;
  TRY(rows_->scan(family::meta, key_range::prefix(std::string(1, static_cast<char>(table::data_key))),
                  [&](std::string_view, std::string_view value) {
                    any = std::string(value);
                    return false;
                  }));
  const auto file = options_.master_key_file.empty() ? options_.path / "master.key" : options_.master_key_file;
  auto key = master_key::of_file(file, !any && !options_.read_only, *options_.entropy);
  // A store without data keys can be looked at without a master key.
  if (!key && !any && options_.read_only) return {};
  if (!key) return base::failure(std::move(key).error());
  if (any) TRY(key->check(TRY(value_content(*any))));
  master_ = std::make_shared<const master_key>(*std::move(key));
  return {};
}

// On the submitting thread, so that neither the commit nor RocksDB's log ever holds the body.
result<void> store::impl::seal_resources(commit& c) {
  std::vector<operation> put_keys;
  for (auto& op : c.operations) {
    auto* put = std::get_if<put_resource>(&op);
    if (put == nullptr || put->sealed || DSF_MUTANT("storage.resource_not_sealed") ||
        !fhir::may_carry_patient_data(put->type, put->body.size()))
      continue;
    const auto from = view();
    if (!from || !master_) return fail(errc::closed, "the store is closed");
    const auto row = keys::resource_data_key(put->type, put->id);
    std::optional<data_key> key;
    // A second version in the same commit has the key of the first.
    for (const auto& earlier : put_keys)
      if (const auto& p = std::get<put_row>(earlier); p.key == row) key = TRY(master_->unwrap(p.value, row));
    if (!key) {
      key = TRY(from->data_key_at(row));
      // Erased, or made by another commit, meanwhile: this one must not go under a key that is not there.
      c.preconditions.emplace_back(row_is{table::data_key, row, key.has_value()});
      if (!key) {
        key = data_key::random(*options_.entropy);
        put_keys.emplace_back(put_row{table::data_key, row, TRY(master_->wrap(*key, row, *options_.entropy))});
      }
    }
    put->body = TRY(storage::seal(*key, to_sealed_parts(put->meta_at, put->aside, put->body), row, *options_.entropy));
    put->aside.clear();
    put->meta_at = 0;
    put->sealed = true;
  }
  std::ranges::move(put_keys, std::back_inserter(c.operations));
  return {};
}

result<void> store::impl::flush_and_compact(family f, const key_range& range) {
  std::shared_ptr<kv> rows;
  {
    const std::lock_guard lock(view_mutex_);
    rows = rows_;
  }
  if (!rows) return fail(errc::closed, "the store is closed");
  return rows->flush_and_compact(f, range);
}

blob_store* store::blobs() const { return impl_->blobs(); }

data_key store::new_data_key() const { return data_key::random(impl_->entropy()); }

result<put_row> store::put_data_key(const data_key& key, std::string row) const {
  auto wrapped = TRY(impl_->master().wrap(key, row, impl_->entropy()));
  return put_row{table::data_key, std::move(row), std::move(wrapped)};
}

result<put_row> store::put_value(const data_key& key, std::uint64_t instance, std::string_view name, std::string_view bytes) const {
  auto at = keys::value(instance, name);
  if (DSF_MUTANT("storage.value_not_sealed")) return put_row{table::value, std::move(at), std::string(bytes)};
  auto sealed = TRY(storage::seal(key, bytes, at, impl_->entropy()));
  return put_row{table::value, std::move(at), std::move(sealed), true};
}

result<std::string> store::seal(const data_key& key, std::string_view text, std::string_view bound_to) const {
  return storage::seal(key, text, bound_to, impl_->entropy());
}

result<void> store::flush_and_compact(family f, const key_range& range) { return impl_->flush_and_compact(f, range); }

}  // namespace dsf::storage
