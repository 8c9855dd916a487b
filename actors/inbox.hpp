// Rows of the engine's inbox and outbox: what a commit leaves for the engine, and what the engine leaves for other sites.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace dsf::actors {

enum class inbox_kind : char { task = 'T', signal = 'S' };

struct inbox_entry {
  inbox_kind kind = inbox_kind::task;
  std::string subject;  // id part of the Task; name of the signal
};
std::string encode_inbox(const inbox_entry& e);
base::result<inbox_entry> decode_inbox(std::string_view bytes);

// One message to another site; the key names the endpoint URL and the number of the entry.
struct outbox_entry {
  std::uint64_t instance = 0;
  std::uint32_t message = 0;        // local id inside the instance
  std::string outbox_id;            // UUID; Task.identifier value
  std::string organization;         // identifier of the receiver
  std::string endpoint_url;
  std::string process;              // key|version of the sender's process
  std::string business_key;
  std::string message_name;
  base::timestamp created;
  base::timestamp deadline;         // of the send
  std::string task;                 // JSON body
  std::string sealed_task;          // instead of it: under the instance's data key, bound to outbox_id
};
std::string encode_outbox(const outbox_entry& e);
base::result<outbox_entry> decode_outbox(std::string_view bytes);
// The number under which an instance's message stands in the outbox.
constexpr std::uint64_t outbox_number(std::uint64_t instance, std::uint32_t message) {
  return (instance & 0xff'ffff'ffffULL) << 24 | (message & 0xff'ffffU);
}

}  // namespace dsf::actors
