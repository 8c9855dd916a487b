// What the engine's half of a split site keeps about the endpoint's half: rows of table M, written in the commits they belong to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "storage/commit.hpp"

namespace dsf::actors {

// A Task that was taken over from the endpoint. Its copy in this store has versions of its own, from 1 on.
struct task_position {
  std::uint64_t remote = 0;     // version at the endpoint, as last heard
  std::uint64_t delivered = 1;  // version of the copy that the endpoint has
  base::timestamp written;      // when the version that was taken over had been written at the endpoint; 0: not known
  bool operator==(const task_position&) const = default;
};
// No more versions of this copy are delivered.
inline constexpr std::uint64_t given_up = UINT64_MAX;

inline constexpr std::string_view task_prefix = "endpoint/task/";
std::string task_key(std::string_view id);
std::string encode(const task_position& p);
base::result<task_position> decode_task_position(std::string_view row);

// This Task's copy has versions that the endpoint lacks.
inline constexpr std::string_view undelivered_prefix = "endpoint/put/";
std::string undelivered_key(std::string_view id);
// Adds that row for every Task which the commit writes.
void note_undelivered(storage::commit& c);

// How far the search for missed resources has come: when the newest one that was taken over had been written.
std::string cursor_key(std::string_view type);
// Which version of an allow-list resource the copy was made of.
std::string copy_key(std::string_view type, std::string_view id);

// Values of one text.
std::string encode_text(std::string_view text);
base::result<std::string> decode_text(std::string_view row);

}  // namespace dsf::actors
