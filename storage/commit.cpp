#include "storage/commit.hpp"

namespace dsf::storage {
namespace {

struct sizes {
  std::size_t operator()(const put_resource& op) const {
    std::size_t n = op.type.size() + op.body.size() + op.access_class.size() + 128;
    for (const auto& e : op.index) n += e.parameter.size() + e.value.size() + 64;
    for (const auto& k : op.unique) n += k.rule.size() + k.key.size() + 64;
    return n;
  }
  std::size_t operator()(const delete_resource& op) const { return op.type.size() + 128; }
  std::size_t operator()(const purge_resource& op) const { return op.type.size() + 128; }
  std::size_t operator()(const append_events& op) const {
    std::size_t n = 64 + (op.snapshot ? op.snapshot->size() : 0);
    for (const auto& e : op.events) n += e.size() + 32;
    return n;
  }
  std::size_t operator()(const end_instance&) const { return 64; }
  std::size_t operator()(const forget_instance&) const { return 64; }
  std::size_t operator()(const put_row& op) const { return op.key.size() + op.value.size() + 64; }
  std::size_t operator()(const delete_row& op) const { return op.key.size() + 64; }
  std::size_t operator()(const put_inbox& op) const { return op.value.size() + 64; }
};

}  // namespace

std::size_t size_bytes(const commit& c) noexcept {
  std::size_t n = 64 + c.preconditions.size() * 128;
  for (const auto& op : c.operations) n += std::visit(sizes{}, op);
  return n;
}

void append(commit& to, fhir::write_set writes) {
  for (auto& range : writes.unchanged)
    to.preconditions.emplace_back(
        unchanged{std::move(range.type), std::move(range.parameter), std::move(range.from), std::move(range.to), writes.snapshot_sequence});
  for (auto& w : writes.writes) {
    to.preconditions.emplace_back(version_is{w.type, w.id, w.expected_version});
    if (w.what == fhir::resource_write::kind::remove) {
      to.operations.emplace_back(delete_resource{std::move(w.type), w.id});
    } else if (w.what == fhir::resource_write::kind::purge) {
      to.operations.emplace_back(purge_resource{std::move(w.type), w.id});
    } else {
      // The keys themselves are checked with the operation, which sees what earlier operations of this commit gave free.
      to.operations.emplace_back(put_resource{std::move(w.type), w.id, std::move(w.body.bytes), w.body.meta_at, std::move(w.index),
                                              std::move(w.unique), std::move(w.access_class)});
    }
  }
}

}  // namespace dsf::storage
