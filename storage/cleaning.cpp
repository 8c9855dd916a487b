#include "storage/cleaning.hpp"

#include "base/mutant.hpp"
#include "storage/record.hpp"
#include "storage/store.hpp"

namespace dsf::storage {
namespace {

key_range all_of(table t) { return key_range::prefix(std::string(1, static_cast<char>(t))); }

}  // namespace

std::vector<file_range> ranges_of_type(std::string_view type) {
  const auto of = [&](table t) { return file_range{family_of(t), key_range::prefix(row_keys::type_prefix(t, type))}; };
  // Unique keys are in the order of their rules.
  return {of(table::resource), of(table::history), of(table::index),
          of(table::ordinal),  of(table::dated),   {family::idx, all_of(table::unique)}};
}

std::vector<file_range> ranges_of_instances(std::uint64_t first, std::uint64_t last) {
  std::vector<file_range> out;
  for (const auto t : {table::snapshot, table::event, table::value, table::journal})
    out.push_back({family_of(t), {row_keys::of(t, keys::instance(first)), prefix_end(row_keys::of(t, keys::instance(last)))}});
  return out;
}

std::vector<file_range> ranges_of_data_keys() { return {{family::meta, all_of(table::data_key)}}; }

result<void> clean_files(store& of, std::span<const file_range> ranges, const std::atomic<bool>& stop) {
  // Written files of a store that failed are looked at again when it is opened; until then they stay as they are.
  if (!of.status().writable) return fail(errc::read_only, "the files of a store that takes no writes are left as they are");
  if (DSF_MUTANT("storage.files_not_rewritten")) return {};
  for (const auto& r : ranges) {
    if (stop) return fail(errc::closed, "it was stopped before all files were rewritten");
    TRY(of.flush_and_compact(r.in, r.keys));
  }
  return {};
}

}  // namespace dsf::storage
