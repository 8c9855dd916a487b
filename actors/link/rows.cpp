#include "actors/link/rows.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace dsf::actors {
namespace {

constexpr std::uint8_t format = 2, without_time = 1;

}  // namespace

std::string task_key(std::string_view id) { return std::string(task_prefix) + std::string(id); }

std::string encode(const task_position& p) {
  std::string out;
  base::put_u8(out, format);
  base::put_u64(out, p.remote);
  base::put_u64(out, p.delivered);
  base::put_u64(out, static_cast<std::uint64_t>(p.written.us));
  return out;
}

base::result<task_position> decode_task_position(std::string_view row) {
  base::byte_reader r{row};
  const auto is = r.u8();
  if (is != format && is != without_time) return base::fail(base::errc::parse, "a Task's position is of an unknown format");
  task_position p;
  p.remote = r.u64();
  p.delivered = r.u64();
  if (is == format) p.written.us = static_cast<std::int64_t>(r.u64());
  if (!r.at_end()) return base::fail(base::errc::parse, "a Task's position does not end where it should");
  return p;
}

std::string undelivered_key(std::string_view id) { return std::string(undelivered_prefix) + std::string(id); }

void note_undelivered(storage::commit& c) {
  std::vector<storage::operation> rows;
  for (const auto& o : c.operations)
    if (const auto* put = std::get_if<storage::put_resource>(&o); put && put->type == "Task")
      rows.emplace_back(storage::put_row{storage::table::meta, undelivered_key(put->id.to_string()), encode_text({})});
  for (auto& r : rows)
    if (std::ranges::find(c.operations, r) == c.operations.end()) c.operations.push_back(std::move(r));
}

std::string cursor_key(std::string_view type) { return "endpoint/cursor/" + std::string(type); }
std::string copy_key(std::string_view type, std::string_view id) { return "endpoint/copy/" + std::string(type) + "/" + std::string(id); }

std::string encode_text(std::string_view text) { return "\1" + std::string(text); }
base::result<std::string> decode_text(std::string_view row) {
  if (row.empty() || row.front() != '\1') return base::fail(base::errc::parse, "a row about the endpoint is of an unknown format");
  return std::string(row.substr(1));
}

}  // namespace dsf::actors
