// The feed: what each commit changed, in order (docs/design.md, "Words").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/uuid.hpp"
#include "storage/errors.hpp"
#include "storage/tables.hpp"

namespace dsf::storage {

struct resource_change {
  // purged: every version is gone; `version` is the last there was.
  enum class kind : std::uint8_t { created, updated, deleted, purged };
  kind what = kind::created;
  std::string type;
  base::uuid id;
  std::uint64_t version = 0;
  bool operator==(const resource_change&) const = default;
};

struct instance_change {
  enum class kind : std::uint8_t { advanced, ended, forgotten };
  kind what = kind::advanced;
  std::uint64_t instance = 0;
  std::uint64_t last_event = 0;
  bool operator==(const instance_change&) const = default;
};

struct feed_entry {
  std::uint64_t sequence = 0;
  base::timestamp time;
  std::uint16_t partition = 0;
  std::vector<resource_change> resources;
  std::vector<instance_change> instances;
  std::string row_tables;  // first bytes of the row tables it wrote to, each once: 'N' wakes the inbox, 'T' the timers, 'X' the outbox
  [[nodiscard]] bool touches(table t) const { return row_tables.find(static_cast<char>(t)) != std::string::npos; }
  bool operator==(const feed_entry&) const = default;
};

std::string encode_feed(const feed_entry& entry);
result<feed_entry> decode_feed(std::uint64_t sequence, std::string_view bytes);

}  // namespace dsf::storage
