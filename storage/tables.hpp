// The tables of docs/design.md: the first byte of each key, and the family it lives in.
#pragma once

#include <cstdint>
#include <string_view>

#include "storage/kv.hpp"

namespace dsf::storage {

enum class table : char {
  meta = 'M',           // name
  data_key = 'K',       // p + owner
  resource = 'R',       // type, id
  history = 'H',        // type, id, ~version
  index = 'I',          // type, parameter, value, ordinal
  ordinal = 'O',        // type, ordinal
  unique = 'U',         // rule, key
  reference = 'F',      // target, parameter, source
  access_class = 'A',   // class
  dated = 'Y',          // type, time, id
  snapshot = 'S',       // instance
  event = 'E',          // instance, number
  value = 'V',          // instance, SHA-256
  journal = 'J',        // instance, activity
  business_key = 'B',   // p, definition, business key
  subscription = 'C',   // p, kind, name, keys, instance
  timer = 'T',          // p, due, instance
  inbox = 'N',          // p, sequence, number in the commit
  outbox = 'X',         // remote, number
  feed = 'L',           // sequence
};

constexpr family family_of(table t) noexcept {
  switch (t) {
    case table::meta:
    case table::data_key: return family::meta;
    case table::resource: return family::res;
    case table::history: return family::hist;
    case table::index:
    case table::ordinal:
    case table::unique:
    case table::reference:
    case table::access_class:
    case table::dated: return family::idx;
    case table::snapshot:
    case table::event:
    case table::value:
    case table::journal: return family::pi;
    case table::business_key:
    case table::subscription:
    case table::timer:
    case table::inbox:
    case table::outbox: return family::queue;
    case table::feed: return family::feed;
  }
  return family::meta;
}

// Tables whose rows callers write themselves, with put_row and delete_row.
constexpr bool is_row_table(table t) noexcept {
  switch (t) {
    case table::meta:
    case table::data_key:
    case table::value:
    case table::journal:
    case table::business_key:
    case table::subscription:
    case table::timer:
    case table::outbox: return true;
    default: return false;
  }
}

}  // namespace dsf::storage
