#include "storage/erase.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/mutant.hpp"
#include "storage/blobs/blob_store.hpp"
#include "storage/store.hpp"

namespace dsf::storage {
namespace {

result<void> erase_key(store& in, std::uint16_t partition, const std::string& key, const std::string& what,
                       std::vector<precondition> still = {}) {
  const bool there = TRY(in.view()->row_value(table::data_key, key)).has_value();
  if (there) {
    commit c;
    c.partition = partition;
    c.preconditions = std::move(still);
    // Gone meanwhile, or made anew by a version that nobody asked to erase: refused.
    c.preconditions.emplace_back(row_is{table::data_key, key, true});
    if (!DSF_MUTANT("storage.key_kept_at_erasure")) c.operations.emplace_back(delete_row{table::data_key, key});
    TRY(in.submit_wait(std::move(c)));
  }
  TRY(in.flush_and_compact(family::meta, key_range::prefix(std::string(1, static_cast<char>(table::data_key)))));
  if (!there) return fail(errc::erased, "it has no data key: nothing of it was stored sealed, or it was erased before", what);
  return {};
}

}  // namespace

result<void> erase_instance(store& in, std::uint64_t instance) {
  const auto name = in.external_id(instance);
  const auto about = TRY(in.view()->instance(instance));
  if (!about) return fail(errc::not_found, "there is no such process instance", name);
  if (about->is_live())
    return base::fail(base::errc::invalid_argument, "the process instance still runs; cancel it, then its data can be erased", name);
  return erase_key(in, partition_of(instance), keys::instance_data_key(instance), name);
}

result<void> erase_resource(store& in, const std::string& type, base::uuid id, std::vector<precondition> still) {
  const auto name = fmt::format("{}/{}", type, id.to_string());
  const auto stored = TRY(in.view()->current(type, id));
  if (!stored) return fail(errc::not_found, "there is no such resource", name);
  if (type == "Task" && !stored->deleted && stored->bytes) {
    const auto task = TRY(base::json::parse(*stored->bytes));
    const auto& status = task["status"].str();
    if (status != "completed" && status != "failed")
      return base::fail(base::errc::invalid_argument,
                        "the Task is not finished: what works on it needs its data; cancel its instance first", name);
  }
  auto erased = erase_key(in, 0, keys::resource_data_key(type, id), name, std::move(still));
  // Without its key the file says nothing; it goes all the same.
  if (erased && type == "Binary" && in.blobs()) TRY(in.blobs()->sweep([&] { return in.view(); }, id));
  return erased;
}

}  // namespace dsf::storage
