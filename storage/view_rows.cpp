// Instances, rows and the feed in a snapshot.
#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.hpp"
#include "storage/record.hpp"
#include "storage/view.hpp"

namespace dsf::storage {

result<std::vector<stored_event>> store_view::instance_events(std::uint64_t instance, std::uint64_t from, std::size_t limit) const {
  std::vector<stored_event> out;
  const auto prefix = row_keys::of(table::event, keys::instance(instance));
  key_range range = key_range::prefix(prefix);
  range.from = row_keys::of(table::event, keys::event(instance, from));
  result<void> broken;
  TRY(rows_->scan(family::pi, range, [&](std::string_view key, std::string_view value) {
    if (out.size() >= limit) return false;
    const auto content = value_content(value);
    if (!content) {
      broken = base::failure(content.error());
      return false;
    }
    out.push_back({base::byte_reader(key.substr(prefix.size())).u64(), std::string(*content)});
    return true;
  }));
  TRY(std::move(broken));
  return out;
}

result<std::optional<stored_snapshot>> store_view::instance_snapshot(std::uint64_t instance) const {
  std::string value;
  if (!TRY(rows_->find(family::pi, row_keys::of(table::snapshot, keys::instance(instance)), value))) return std::nullopt;
  const auto parsed = TRY(parse_instance_value(value));
  if (parsed.head.snapshot_event == 0) return std::nullopt;
  return stored_snapshot{parsed.head.snapshot_event, std::string(parsed.snapshot)};
}

result<std::optional<instance_info>> store_view::instance(std::uint64_t instance) const {
  auto found = TRY(instances(instance, 1));
  if (found.empty() || found.front().instance != instance) return std::nullopt;
  return found.front();
}

result<std::vector<instance_info>> store_view::instances(std::uint64_t from, std::size_t limit) const {
  std::vector<instance_info> out;
  result<void> broken;
  key_range range = key_range::prefix(std::string(1, static_cast<char>(table::snapshot)));
  range.from = row_keys::of(table::snapshot, keys::instance(from));
  TRY(rows_->scan(family::pi, range, [&](std::string_view key, std::string_view value) {
    const auto instance = base::byte_reader(key.substr(1)).u64();
    if (key.size() == 9) {
      if (out.size() >= limit) return false;
      const auto parsed = parse_instance_value(value);
      if (!parsed) {
        broken = base::failure(parsed.error());
        return false;
      }
      out.push_back({instance, 0, parsed->head.started, {}});
    } else if (!out.empty() && out.back().instance == instance) {
      const auto content = value_content(value);
      if (!content) {
        broken = base::failure(content.error());
        return false;
      }
      out.back().ended.us = static_cast<std::int64_t>(base::byte_reader(*content).u64());
    }
    return true;
  }));
  TRY(std::move(broken));
  for (auto& info : out) {
    const auto prefix = row_keys::of(table::event, keys::instance(info.instance));
    TRY(rows_->scan(family::pi, key_range::prefix(prefix, true), [&](std::string_view key, std::string_view) {
      info.last_event = base::byte_reader(key.substr(prefix.size())).u64();
      return false;
    }));
  }
  return out;
}

result<std::vector<row>> store_view::rows(table in, std::string_view prefix, std::size_t limit, std::string_view from) const {
  std::vector<row> out;
  result<void> broken;
  key_range range = key_range::prefix(row_keys::of(in, prefix));
  if (!from.empty()) range.from = std::max(range.from, row_keys::of(in, from));
  TRY(rows_->scan(family_of(in), range, [&](std::string_view key, std::string_view value) {
    if (out.size() >= limit) return false;
    const auto parts = parse_value(value);
    if (!parts) {
      broken = base::failure(parts.error());
      return false;
    }
    out.push_back({std::string(key.substr(1)), std::string(parts->content)});
    return true;
  }));
  TRY(std::move(broken));
  return out;
}

result<std::optional<std::string>> store_view::row_value(table in, std::string_view key) const {
  std::string value;
  if (!TRY(rows_->find(family_of(in), row_keys::of(in, key), value))) return std::nullopt;
  return std::string(TRY(value_content(value)));
}

result<std::optional<data_key>> store_view::data_key_at(std::string_view row) const {
  const auto stored = TRY(row_value(table::data_key, row));
  if (!stored) return std::nullopt;
  if (!master_) return fail(errc::wrong_key, "the store was opened without its master key");
  return TRY(master_->unwrap(*stored, row));
}

result<std::optional<instance_value>> store_view::value_of(std::uint64_t instance, std::string_view name) const {
  const auto at = keys::value(instance, name);
  std::string value;
  if (!TRY(rows_->find(family::pi, row_keys::of(table::value, at), value))) return std::nullopt;
  const auto parts = TRY(parse_value(value));
  if (parts.key == 0) return instance_value{std::string(parts.content), false};
  const auto key = TRY(data_key_at(keys::instance_data_key(instance)));
  if (!key) return fail(errc::erased, "the data of this instance were erased on purpose; its log tells what happened, but no values");
  return instance_value{TRY(open_sealed(*key, parts.content, at)), true};
}

result<std::vector<due_timer>> store_view::due_timers(std::uint16_t partition, base::timestamp until, std::size_t limit) const {
  std::string prefix;
  base::put_u16(prefix, partition);
  std::vector<due_timer> out;
  result<void> broken;
  TRY(rows_->scan(family::queue, key_range::prefix(row_keys::of(table::timer, prefix)), [&](std::string_view key, std::string_view value) {
    if (out.size() >= limit) return false;
    due_timer one;
    const auto content = value_content(value);
    if (!content || !keys::parse_timer(key.substr(1), one.at)) {
      broken = content ? fail(errc::damaged, "a stored timer does not read as one") : base::failure(content.error());
      return false;
    }
    if (one.at.due > until) return false;
    one.entry = {std::string(key.substr(1)), std::string(*content)};
    out.push_back(std::move(one));
    return true;
  }));
  TRY(std::move(broken));
  return out;
}

result<std::vector<feed_entry>> store_view::read_feed(std::uint64_t after, std::size_t limit) const {
  std::vector<feed_entry> out;
  if (after >= sequence_) return out;
  result<void> broken;
  key_range range = key_range::prefix(std::string(1, static_cast<char>(table::feed)));
  range.from = row_keys::feed(after + 1);
  std::uint64_t expected = after + 1;
  TRY(rows_->scan(family::feed, range, [&](std::string_view key, std::string_view value) {
    if (out.size() >= limit) return false;
    const auto sequence = base::byte_reader(key.substr(1)).u64();
    if (sequence != expected) {
      broken = fail(errc::feed_trimmed, fmt::format("the feed starts at {}; what came after {} has been cut off", sequence, after));
      return false;
    }
    ++expected;
    auto entry = decode_feed(sequence, value);
    if (!entry) {
      broken = base::failure(std::move(entry).error());
      return false;
    }
    out.push_back(std::move(*entry));
    return true;
  }));
  TRY(std::move(broken));
  return out;
}

result<std::uint64_t> store_view::cursor(std::string_view name) const {
  const auto value = TRY(row_value(table::meta, keys::cursor(name)));
  if (!value) return 0;
  base::byte_reader in(*value);
  const auto sequence = in.u64();
  if (!in.at_end()) return fail(errc::damaged, fmt::format("the cursor '{}' does not read as one", name));
  return sequence;
}

result<std::string> store_view::dump() const {
  std::string out;
  for (std::size_t f = 0; f < family_count; ++f) {
    TRY(rows_->scan(static_cast<family>(f), {}, [&](std::string_view key, std::string_view value) {
      if (key.starts_with("Mstore/")) return true;
      out += base::to_hex(key);
      out += ' ';
      out += base::to_hex(value);
      out += '\n';
      return true;
    }));
  }
  return out;
}

}  // namespace dsf::storage
