// commit.hpp <-> proto/commit.proto, the one place where they are converted.
#include <fmt/format.h>

#include "proto/commit.pb.h"
#include "storage/commit.hpp"

namespace dsf::storage {
namespace {

constexpr std::uint32_t commit_format = 1;

std::string raw(base::uuid id) { return std::string(id.raw()); }

void write(const version_is& p, pb::Precondition& out) {
  auto& m = *out.mutable_version_is();
  m.set_type(p.type);
  m.set_id(raw(p.id));
  m.set_version(p.version);
}
void write(const absent& p, pb::Precondition& out) {
  auto& m = *out.mutable_absent();
  m.set_rule(p.rule);
  m.set_key(p.key);
  if (p.except) m.set_except(raw(*p.except));
}
void write(const instance_at& p, pb::Precondition& out) {
  auto& m = *out.mutable_instance_at();
  m.set_instance(p.instance);
  m.set_event(p.event);
}
void write(const unchanged& p, pb::Precondition& out) {
  auto& m = *out.mutable_unchanged();
  m.set_type(p.type);
  m.set_parameter(p.parameter);
  m.set_from(p.from);
  m.set_to(p.to);
  m.set_since(p.since);
}
void write(const row_is& p, pb::Precondition& out) {
  auto& m = *out.mutable_row_is();
  m.set_table(static_cast<std::uint8_t>(p.in));
  m.set_key(p.key);
  m.set_exists(p.exists);
}

void write(const put_resource& op, pb::Operation& out) {
  auto& m = *out.mutable_put_resource();
  m.set_type(op.type);
  m.set_id(raw(op.id));
  m.set_body(op.body);
  m.set_meta_at(op.meta_at);
  for (const auto& e : op.index) {
    auto& entry = *m.add_index();
    entry.set_parameter(e.parameter);
    entry.set_value(e.value);
  }
  for (const auto& k : op.unique) {
    auto& key = *m.add_unique();
    key.set_rule(k.rule);
    key.set_key(k.key);
  }
  m.set_access_class(op.access_class);
  m.set_sealed(op.sealed);
}
void write(const delete_resource& op, pb::Operation& out) {
  out.mutable_delete_resource()->set_type(op.type);
  out.mutable_delete_resource()->set_id(raw(op.id));
}
void write(const purge_resource& op, pb::Operation& out) {
  out.mutable_purge_resource()->set_type(op.type);
  out.mutable_purge_resource()->set_id(raw(op.id));
}
void write(const append_events& op, pb::Operation& out) {
  auto& m = *out.mutable_append_events();
  m.set_instance(op.instance);
  m.set_first(op.first);
  for (const auto& e : op.events) m.add_events(e);
  if (op.snapshot) m.set_snapshot(*op.snapshot);
}
void write(const end_instance& op, pb::Operation& out) { out.mutable_end_instance()->set_instance(op.instance); }
void write(const forget_instance& op, pb::Operation& out) { out.mutable_forget_instance()->set_instance(op.instance); }
void write(const put_row& op, pb::Operation& out) {
  auto& m = *out.mutable_put_row();
  m.set_table(static_cast<std::uint8_t>(op.in));
  m.set_key(op.key);
  m.set_value(op.value);
  m.set_sealed(op.sealed);
}
void write(const delete_row& op, pb::Operation& out) {
  out.mutable_delete_row()->set_table(static_cast<std::uint8_t>(op.in));
  out.mutable_delete_row()->set_key(op.key);
}
void write(const put_inbox& op, pb::Operation& out) { out.mutable_put_inbox()->set_value(op.value); }

base::failure bad(std::string_view what) { return fail(errc::damaged, fmt::format("these bytes are not a commit: {}", what)); }

result<base::uuid> id_of(const std::string& bytes) {
  if (bytes.size() != 16) return bad("an id does not have 16 bytes");
  return base::uuid::from_raw(bytes);
}
result<table> table_of(std::uint32_t byte) {
  const auto t = static_cast<table>(byte);
  if (byte > 0x7f || (!is_row_table(t) && t != table::inbox)) return bad("it names an unknown table");
  return t;
}

result<precondition> read(const pb::Precondition& in) {
  switch (in.kind_case()) {
    case pb::Precondition::kVersionIs:
      return version_is{in.version_is().type(), TRY(id_of(in.version_is().id())), in.version_is().version()};
    case pb::Precondition::kAbsent: {
      absent p{in.absent().rule(), in.absent().key(), std::nullopt};
      if (in.absent().has_except()) p.except = TRY(id_of(in.absent().except()));
      return p;
    }
    case pb::Precondition::kInstanceAt: return instance_at{in.instance_at().instance(), in.instance_at().event()};
    case pb::Precondition::kUnchanged: {
      const auto& u = in.unchanged();
      return unchanged{u.type(), u.parameter(), u.from(), u.to(), u.since()};
    }
    case pb::Precondition::kRowIs: return row_is{TRY(table_of(in.row_is().table())), in.row_is().key(), in.row_is().exists()};
    case pb::Precondition::KIND_NOT_SET: break;
  }
  return bad("it has a precondition of an unknown kind");
}

result<operation> read(const pb::Operation& in) {
  switch (in.kind_case()) {
    case pb::Operation::kPutResource: {
      const auto& m = in.put_resource();
      put_resource op{m.type(), TRY(id_of(m.id())), m.body(), m.meta_at(), {}, {}, m.access_class(), m.sealed()};
      for (const auto& e : m.index()) op.index.push_back({e.parameter(), e.value()});
      for (const auto& k : m.unique()) op.unique.push_back({k.rule(), k.key()});
      return op;
    }
    case pb::Operation::kDeleteResource: return delete_resource{in.delete_resource().type(), TRY(id_of(in.delete_resource().id()))};
    case pb::Operation::kPurgeResource: return purge_resource{in.purge_resource().type(), TRY(id_of(in.purge_resource().id()))};
    case pb::Operation::kAppendEvents: {
      const auto& m = in.append_events();
      append_events op{m.instance(), m.first(), {m.events().begin(), m.events().end()}, std::nullopt};
      if (m.has_snapshot()) op.snapshot = m.snapshot();
      return op;
    }
    case pb::Operation::kEndInstance: return end_instance{in.end_instance().instance()};
    case pb::Operation::kForgetInstance: return forget_instance{in.forget_instance().instance()};
    case pb::Operation::kPutRow:
      return put_row{TRY(table_of(in.put_row().table())), in.put_row().key(), in.put_row().value(), in.put_row().sealed()};
    case pb::Operation::kDeleteRow: return delete_row{TRY(table_of(in.delete_row().table())), in.delete_row().key()};
    case pb::Operation::kPutInbox: return put_inbox{in.put_inbox().value()};
    case pb::Operation::KIND_NOT_SET: break;
  }
  return bad("it has an operation of an unknown kind");
}

}  // namespace

std::string to_protobuf(const commit& c) {
  pb::Commit out;
  out.set_format(commit_format);
  out.set_partition(c.partition);
  for (const auto& p : c.preconditions) std::visit([&](const auto& one) { write(one, *out.add_preconditions()); }, p);
  for (const auto& op : c.operations) std::visit([&](const auto& one) { write(one, *out.add_operations()); }, op);
  return out.SerializeAsString();
}

result<commit> commit_from_protobuf(std::string_view bytes) {
  pb::Commit in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return bad("they are no protocol buffer");
  if (in.format() != commit_format)
    return fail(errc::newer_format, fmt::format("a commit of format {}; this program knows {}", in.format(), commit_format));
  if (in.partition() > UINT16_MAX) return bad("its partition is out of range");
  commit out;
  out.partition = static_cast<std::uint16_t>(in.partition());
  for (const auto& p : in.preconditions()) out.preconditions.push_back(TRY(read(p)));
  for (const auto& op : in.operations()) out.operations.push_back(TRY(read(op)));
  return out;
}

}  // namespace dsf::storage
