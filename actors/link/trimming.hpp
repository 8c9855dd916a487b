// Copies of Tasks that are over leave the engine's half of a split site: the endpoint keeps the Tasks, the copies were for the engine's work.
#pragma once

#include <string>

#include "actors/thread_drive.hpp"
#include "base/result.hpp"
#include "storage/store.hpp"

namespace dsf::actors {

// Goes round over the positions of all Tasks, some rows a step. On the thread that takes Tasks over, so that no list of requested Tasks is in hand meanwhile.
class trimming {
public:
  explicit trimming(storage::store& store, thread_drive* drive = nullptr) : store_(&store), drive_(drive) {}

  struct outcome {
    std::size_t trimmed = 0;
    bool round_over = false;
  };
  // Copy and position go in one commit when the Task has ended, the endpoint has its last version, no instance of its business key lives, and
  // it was written longer than positions_kept_us before `newest` (both by the endpoint's time).
  base::result<outcome> step(base::timestamp newest);

private:
  storage::store* store_;
  thread_drive* drive_;
  std::string from_;
};

}  // namespace dsf::actors
