#include "actors/inbox.hpp"

#include "base/bytes.hpp"

namespace dsf::actors {
namespace {

constexpr std::uint8_t format = 1;
constexpr std::uint8_t sealed_format = 2;  // of outbox rows: the last text is sealed_task

void put_text(std::string& out, std::string_view text) {
  base::put_u32(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}
std::string take_text(base::byte_reader& r) {
  const auto n = r.u32();
  return std::string(r.take(n));
}

}  // namespace

std::string encode_inbox(const inbox_entry& e) {
  std::string out;
  base::put_u8(out, format);
  out.push_back(static_cast<char>(e.kind));
  out += e.subject;
  return out;
}

base::result<inbox_entry> decode_inbox(std::string_view bytes) {
  base::byte_reader r{bytes};
  if (r.u8() != format) return base::fail(base::errc::parse, "an inbox row of an unknown format");
  const auto kind = static_cast<char>(r.u8());
  if (!r.ok() || (kind != 'T' && kind != 'S')) return base::fail(base::errc::parse, "an inbox row of an unknown kind");
  return inbox_entry{static_cast<inbox_kind>(kind), std::string(r.rest())};
}

std::string encode_outbox(const outbox_entry& e) {
  std::string out;
  base::put_u8(out, e.sealed_task.empty() ? format : sealed_format);
  base::put_u64(out, e.instance);
  base::put_u32(out, e.message);
  base::put_u64(out, static_cast<std::uint64_t>(e.created.us));
  base::put_u64(out, static_cast<std::uint64_t>(e.deadline.us));
  for (const auto* text : {&e.outbox_id, &e.organization, &e.endpoint_url, &e.process, &e.business_key, &e.message_name})
    put_text(out, *text);
  put_text(out, e.sealed_task.empty() ? e.task : e.sealed_task);
  return out;
}

base::result<outbox_entry> decode_outbox(std::string_view bytes) {
  base::byte_reader r{bytes};
  const auto of = r.u8();
  if (of != format && of != sealed_format) return base::fail(base::errc::parse, "an outbox row of an unknown format");
  outbox_entry e;
  e.instance = r.u64();
  e.message = r.u32();
  e.created.us = static_cast<std::int64_t>(r.u64());
  e.deadline.us = static_cast<std::int64_t>(r.u64());
  for (auto* text : {&e.outbox_id, &e.organization, &e.endpoint_url, &e.process, &e.business_key, &e.message_name}) *text = take_text(r);
  (of == sealed_format ? e.sealed_task : e.task) = take_text(r);
  if (!r.at_end()) return base::fail(base::errc::parse, "an outbox row that does not end where it should");
  return e;
}

}  // namespace dsf::actors
