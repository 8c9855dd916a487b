#include "actors/erasure.hpp"

#include "actors/task_document.hpp"
#include "base/json.hpp"
#include "base/mutant.hpp"
#include "storage/erase.hpp"
#include "storage/store.hpp"

namespace dsf::actors {

base::result<> erase_resource(storage::store& in, const std::string& type, base::uuid id) {
  std::vector<storage::precondition> still;
  if (type == "Task") {
    const auto view = in.view();
    const auto stored = TRY(view->current(type, id));
    if (stored) still.emplace_back(storage::version_is{type, id, stored->version});
    if (stored && !stored->deleted) {
      const auto facts = facts_of(TRY(base::json::parse(*stored->bytes)));
      // All Tasks of an instance have its business key (dsf-bpe 1.8).
      if (facts.process && !facts.business_key.empty()) {
        const auto key = storage::keys::business_key(0, facts.process->key + "|" + facts.process->version, facts.business_key);
        if (TRY(view->row_value(storage::table::business_key, key)) && !DSF_MUTANT("actors.task_of_running_instance_erased"))
          return base::fail(base::errc::invalid_argument,
                            "the process instance of this Task still runs; cancel it or wait for its end, then the Task can be erased",
                            type + "/" + id.to_string());
        still.emplace_back(storage::row_is{storage::table::business_key, key, false});
      }
    }
  }
  return storage::erase_resource(in, type, id, std::move(still));
}

}  // namespace dsf::actors
