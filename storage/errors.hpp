// What the store refuses, and why.
#pragma once

#include <cstdint>

#include "base/error.hpp"
#include "base/result.hpp"

namespace dsf::storage {

enum class errc : std::uint16_t {
  version_conflict,   // version_is did not hold
  unique_conflict,    // another resource owns the key
  instance_conflict,  // instance_at did not hold, or events would not follow the last one
  changed_conflict,   // unchanged did not hold, or the store can no longer tell
  row_conflict,       // row_is did not hold
  invalid_commit,     // a commit no store would take: unknown table, empty id, wrong meta position
  too_large,          // a commit above the limits
  overloaded,         // the queue of commits is full
  read_only,          // the store takes no commits: a write failed before, or it was opened for reading
  closed,             // the store was closed
  not_a_store,        // the folder holds something else, or nothing when it was opened for reading
  damaged,            // stored bytes do not check out
  newer_format,       // written by a newer release
  locked,             // another program uses the store
  io,                 // the disk answered with an error
  feed_trimmed,       // the feed no longer reaches back that far
  not_found,
  erased,             // the data key is gone: on purpose, and for ever
  wrong_key,          // the master key's file is missing, open to others, or not the one that the store's data keys need
};
const base::error_domain& domain_of(errc) noexcept;

using base::fail;
using base::result;

}  // namespace dsf::storage
