// Preconditions, and what can be said about a commit without the store.
#include <fmt/format.h>

#include "base/mutant.hpp"
#include "storage/applier_impl.hpp"

namespace dsf::storage {
namespace {

constexpr std::size_t name_bytes = 64;
constexpr std::size_t operations_limit = 100'000;

std::string resource_name(std::string_view type, base::uuid id) { return fmt::format("{}/{}", type, id.to_string()); }

bool is_name(std::string_view s) { return !s.empty() && s.size() <= name_bytes && s.find('\0') == std::string_view::npos; }

base::failure wrong(std::string text) { return fail(errc::invalid_commit, std::move(text)); }

result<void> check_one(const put_resource& op, bool) {
  if (!is_name(op.type)) return wrong(fmt::format("'{}' can't be the type of a resource", op.type));
  if (!op.sealed && (op.meta_at == 0 || op.meta_at >= op.body.size()))
    return wrong(fmt::format("{} has no place for its meta", resource_name(op.type, op.id)));
  for (const auto& e : op.index)
    if (!is_name(e.parameter)) return wrong(fmt::format("'{}' can't be the name of a search parameter", e.parameter));
  for (const auto& k : op.unique)
    if (!is_name(k.rule)) return wrong(fmt::format("'{}' can't be the name of a unique rule", k.rule));
  if (!std::is_sorted(op.index.begin(), op.index.end()) || std::adjacent_find(op.index.begin(), op.index.end()) != op.index.end())
    return wrong(fmt::format("the index entries of {} are not sorted, or one occurs twice", resource_name(op.type, op.id)));
  return {};
}
result<void> check_one(const delete_resource& op, bool) {
  return is_name(op.type) ? result<void>{} : wrong(fmt::format("'{}' can't be the type of a resource", op.type));
}
result<void> check_one(const purge_resource& op, bool) {
  return is_name(op.type) ? result<void>{} : wrong(fmt::format("'{}' can't be the type of a resource", op.type));
}
result<void> check_one(const append_events& op, bool) {
  if (op.first == 0) return wrong("the first event of an instance has number 1");
  return {};
}
result<void> check_one(const end_instance&, bool) { return {}; }
result<void> check_one(const forget_instance&, bool) { return {}; }
result<void> check_row(table in, std::string_view key, bool internal, bool inbox) {
  if (!is_row_table(in) && !(inbox && in == table::inbox))
    return wrong(fmt::format("rows of table '{}' can't be written like this", static_cast<char>(in)));
  if (key.empty()) return wrong("a row needs a key");
  if (in == table::meta && key.starts_with(own_rows) && !internal) return wrong(fmt::format("the row '{}' is the store's own", key));
  return {};
}
result<void> check_one(const put_row& op, bool internal) { return check_row(op.in, op.key, internal, false); }
result<void> check_one(const delete_row& op, bool internal) { return check_row(op.in, op.key, internal, true); }
result<void> check_one(const put_inbox&, bool) { return {}; }

}  // namespace

result<void> validate(const commit& c, bool internal) {
  if (c.operations.empty()) return wrong("a commit without operations writes nothing");
  if (c.operations.size() > operations_limit || c.preconditions.size() > operations_limit)
    return fail(errc::too_large, fmt::format("a commit has at most {} operations and as many preconditions", operations_limit));
  std::size_t inbox_rows = 0;
  for (const auto& op : c.operations) {
    TRY(std::visit([&](const auto& o) { return check_one(o, internal); }, op));
    if (std::holds_alternative<put_inbox>(op) && ++inbox_rows > UINT16_MAX)
      return fail(errc::too_large, "a commit puts at most 65,535 rows into the inbox");
  }
  for (const auto& p : c.preconditions) {
    if (const auto* v = std::get_if<version_is>(&p); v != nullptr && !is_name(v->type))
      return wrong(fmt::format("'{}' can't be the type of a resource", v->type));
    if (const auto* u = std::get_if<unchanged>(&p); u != nullptr && !is_name(u->type))
      return wrong(fmt::format("'{}' can't be the type of a resource", u->type));
    if (const auto* a = std::get_if<absent>(&p); a != nullptr && !is_name(a->rule))
      return wrong(fmt::format("'{}' can't be the name of a unique rule", a->rule));
    if (const auto* r = std::get_if<row_is>(&p); r != nullptr && !is_row_table(r->in) && r->in != table::inbox)
      return wrong(fmt::format("rows of table '{}' can't be asked for", static_cast<char>(r->in)));
  }
  return {};
}

result<void> applier::check(const precondition& p) {
  return std::visit([&](const auto& one) { return check(one); }, p);
}

result<void> applier::check(const version_is& p) {
  if (DSF_MUTANT("storage.version_is_skipped")) return {};
  const auto* slot = TRY(cache_.load(family::res, row_keys::resource(p.type, p.id)));
  const std::uint64_t current = slot->present ? TRY(parse_record(slot->value)).version : 0;
  if (current == p.version) return {};
  return fail(errc::version_conflict,
              p.version == 0 ? fmt::format("{} exists already (version {})", resource_name(p.type, p.id), current)
                             : fmt::format("{} has version {}, not {}", resource_name(p.type, p.id), current, p.version),
              resource_name(p.type, p.id));
}

result<void> applier::check(const absent& p) {
  if (DSF_MUTANT("storage.absent_skipped")) return {};
  const auto* slot = TRY(cache_.load(family::idx, row_keys::unique(p.rule, p.key)));
  if (!slot->present) return {};
  const auto owner = TRY(parse_owner_value(slot->value));
  if (p.except && owner == *p.except) return {};
  return fail(errc::unique_conflict, fmt::format("another resource ({}) has the same {}", owner.to_string(), p.rule), p.rule);
}

result<void> applier::check(const instance_at& p) {
  if (DSF_MUTANT("storage.instance_at_skipped")) return {};
  const auto* state = TRY(load_instance(p.instance));
  if (state->last_event == p.event) return {};
  return fail(errc::instance_conflict, fmt::format("instance {} is at event {}, not {}", p.instance, state->last_event, p.event));
}

result<void> applier::check(const unchanged& p) {
  if (DSF_MUTANT("storage.unchanged_skipped")) return {};
  if (changes_.holds(p.type, p.parameter, p.from, p.to, p.since)) return {};
  return fail(
      errc::changed_conflict,
      fmt::format("what a search over {}{}{} found may have changed meanwhile", p.type, p.parameter.empty() ? "" : ".", p.parameter),
      p.type);
}

result<void> applier::check(const row_is& p) {
  if (DSF_MUTANT("storage.row_is_skipped")) return {};
  const auto key = row_keys::of(p.in, p.key);
  bool exists = false;
  if (const auto hit = group_rows_.find(key); hit != group_rows_.end()) {
    exists = hit->second;
  } else {
    std::string value;
    exists = TRY(rows_->find(family_of(p.in), key, value));
  }
  if (exists == p.exists) return {};
  return fail(errc::row_conflict,
              fmt::format("a row of table '{}' {}", static_cast<char>(p.in), exists ? "exists already" : "is not there any more"));
}

}  // namespace dsf::storage
