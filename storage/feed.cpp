#include "storage/feed.hpp"

#include "base/bytes.hpp"
#include "storage/record.hpp"

namespace dsf::storage {

std::string encode_feed(const feed_entry& entry) {
  std::string out;
  base::put_u64(out, static_cast<std::uint64_t>(entry.time.us));
  base::put_u16(out, entry.partition);
  base::put_u32(out, static_cast<std::uint32_t>(entry.resources.size()));
  for (const auto& r : entry.resources) {
    base::put_u8(out, static_cast<std::uint8_t>(r.what));
    base::put_u8(out, static_cast<std::uint8_t>(r.type.size()));
    out += r.type;
    out += r.id.raw();
    base::put_u64(out, r.version);
  }
  base::put_u32(out, static_cast<std::uint32_t>(entry.instances.size()));
  for (const auto& i : entry.instances) {
    base::put_u8(out, static_cast<std::uint8_t>(i.what));
    base::put_u64(out, i.instance);
    base::put_u64(out, i.last_event);
  }
  base::put_u8(out, static_cast<std::uint8_t>(entry.row_tables.size()));
  out += entry.row_tables;
  return to_value(out);
}

result<feed_entry> decode_feed(std::uint64_t sequence, std::string_view bytes) {
  base::byte_reader in(TRY(value_content(bytes)));
  feed_entry out;
  out.sequence = sequence;
  out.time.us = static_cast<std::int64_t>(in.u64());
  out.partition = in.u16();
  for (auto n = in.u32(); n > 0 && in.ok(); --n) {
    resource_change r;
    r.what = static_cast<resource_change::kind>(in.u8());
    r.type = in.take(in.u8());
    const auto id = in.take(16);
    r.version = in.u64();
    if (!in.ok()) break;
    r.id = base::uuid::from_raw(id);
    out.resources.push_back(std::move(r));
  }
  for (auto n = in.u32(); n > 0 && in.ok(); --n) {
    instance_change i;
    i.what = static_cast<instance_change::kind>(in.u8());
    i.instance = in.u64();
    i.last_event = in.u64();
    out.instances.push_back(i);
  }
  out.row_tables = in.take(in.u8());
  if (!in.at_end()) return fail(errc::damaged, "a stored value does not read as an entry of the feed", "feed " + std::to_string(sequence));
  return out;
}

}  // namespace dsf::storage
