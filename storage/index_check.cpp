#include "storage/index_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.hpp"
#include "storage/dated.hpp"
#include "storage/errors.hpp"
#include "storage/record.hpp"
#include "storage/tables.hpp"

namespace dsf::storage {
namespace {

constexpr std::uint64_t rows_between_looks = 10'000;
constexpr std::size_t examples_at_most = 20;

struct checker {
  const store_view& view;
  const index_maker& make;
  const std::function<bool(std::uint64_t)>& watch;
  index_report report;
  std::uint64_t wanted = 0;  // rows that resources call for and that are there
  std::uint64_t read = 0;

  void example(std::string text) {
    if (report.examples.size() < examples_at_most) report.examples.push_back(std::move(text));
  }

  result<void> count() {
    if (++read % rows_between_looks == 0 && !watch(read)) return fail(errc::closed, "stopped");
    return {};
  }

  // `value`: null where any will do.
  result<void> want(const std::string& key, const std::string* value, std::string_view of, std::string_view what) {
    std::string found;
    if (!TRY(view.below().find(family::idx, key, found)) || (value != nullptr && found != *value)) {
      ++report.missing;
      example(fmt::format("{}: the index lacks its {}", of, what));
      return {};
    }
    ++wanted;
    return {};
  }

  // Key: table, type, 0, id. History: also ~version.
  struct place {
    std::string type;
    base::uuid id;
  };
  static std::optional<place> place_of(std::string_view key) {
    const auto end = key.find('\0', 1);
    if (end == key.npos || key.size() < end + 17) return {};
    place out;
    out.type = key.substr(1, end - 1);
    out.id = base::uuid::from_raw(key.substr(end + 1, 16));
    return out;
  }

  result<void> current(std::string_view key, std::string_view value) {
    const auto at = place_of(key);
    if (!at) return fail(errc::damaged, fmt::format("row {} is of no resource", base::to_hex(key)));
    const auto r = TRY(parse_record(value));
    const auto name = at->type + "/" + at->id.to_string();
    ++report.resources;
    const auto id_value = to_ordinal_value({at->id, r.deleted});
    TRY(want(row_keys::ordinal(at->type, r.ordinal), &id_value, name, "ordinal"));
    TRY(want(row_keys::dated(at->type, r.last_updated, at->id), nullptr, name, "date"));
    if (r.deleted) return {};
    const auto keys = TRY(parse_keys(r.keys));
    for (const auto& k : keys.index) {
      std::string row;
      row_keys::put_index(row, at->type, k.name, k.value, r.ordinal);
      TRY(want(row, nullptr, name, fmt::format("entry of '{}'", k.name)));
    }
    const auto owner = to_owner_value(at->id, at->type);
    for (const auto& k : keys.unique) TRY(want(row_keys::unique(k.name, k.value), &owner, name, fmt::format("unique key of '{}'", k.name)));
    if (make) TRY(compare(*at, name, keys));
    return {};
  }

  result<void> compare(const place& at, const std::string& name, const key_list& stored) {
    const auto now = TRY(view.current(at.type, at.id));
    if (!now || now->deleted || !now->bytes) return {};  // its key was erased
    const auto content = TRY(base::json::parse(*now->bytes));
    auto made = make(content);
    std::vector<std::pair<std::string_view, std::string_view>> is, should;
    for (const auto& e : stored.index) is.emplace_back(e.name, e.value);
    for (const auto& e : made) should.emplace_back(e.parameter, e.value);
    std::ranges::sort(is);
    std::ranges::sort(should);
    if (is == should) return {};
    ++report.different;
    std::vector<std::pair<std::string_view, std::string_view>> off;
    std::ranges::set_symmetric_difference(is, should, std::back_inserter(off));
    example(fmt::format("{}: its content gives other entries of '{}'", name, off.front().first));
    return {};
  }

  result<void> older(std::string_view key, std::string_view value) {
    const auto at = place_of(key);
    if (!at) return fail(errc::damaged, fmt::format("row {} is of no version", base::to_hex(key)));
    const auto r = TRY(parse_record(value));
    if (r.deleted) {
      // The deletion is the current version as well, until another one follows.
      std::string head;
      if (TRY(view.below().find(family::res, row_keys::resource(at->type, at->id), head)) && TRY(parse_record(head)).version == r.version)
        return {};
    }
    return want(row_keys::dated(at->type, r.last_updated, at->id), nullptr, at->type + "/" + at->id.to_string(),
                fmt::format("date of version {}", r.version));
  }

  template <class What>
  result<void> each(family f, table t, What what) {
    result<void> failed;
    TRY(view.below().scan(f, key_range::prefix(std::string(1, static_cast<char>(t))), [&](std::string_view key, std::string_view value) {
      failed = count();
      if (failed) failed = what(key, value);
      return failed.has_value();
    }));
    return failed;
  }
};

}  // namespace

result<index_report> check_index(const store_view& view, const index_maker& make, const std::function<bool(std::uint64_t rows)>& watch) {
  checker c{view, make, watch};
  TRY(c.each(family::res, table::resource, [&](std::string_view key, std::string_view value) { return c.current(key, value); }));
  TRY(c.each(family::hist, table::history, [&](std::string_view key, std::string_view value) { return c.older(key, value); }));
  for (const auto t : {table::index, table::ordinal, table::unique, table::dated})
    TRY(c.each(family::idx, t, [&](std::string_view, std::string_view value) -> result<void> {
      // An ordinal of nobody is the mark of the last one that was given.
      if (t != table::ordinal || TRY(parse_ordinal_value(value)).id != base::uuid{}) ++c.report.rows;
      return {};
    }));
  // Every wanted row has a key of its own, so what is more was put by nobody who is still there.
  c.report.stray = c.report.rows - c.wanted;
  if (c.report.stray > 0) c.example(fmt::format("{} rows of the index are of no resource", c.report.stray));
  return std::move(c.report);
}

}  // namespace dsf::storage
