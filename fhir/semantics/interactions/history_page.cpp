#include "fhir/semantics/interactions/history_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/mutant.hpp"
#include "fhir/semantics/access.hpp"

namespace dsf::fhir {
namespace {

constexpr std::size_t rows_a_read = 1'024;

// The versions of one type, read in pieces.
class type_rows {
public:
  type_rows(const resource_view& view, std::string_view type, base::timestamp after) : view_(&view), type_(type), after_(after) {}

  // The next version, null at the end. Stays until step().
  base::result<const dated_version*> peek() {
    if (next_ == rows_.size()) {
      if (ended_) return nullptr;
      rows_ = TRY(view_->dated(type_, after_, rows_a_read));
      next_ = 0;
      ended_ = rows_.size() < rows_a_read;
      if (rows_.empty()) return nullptr;
      after_ = rows_.back().last_updated;
    }
    return &rows_[next_];
  }
  void step() { ++next_; }
  [[nodiscard]] std::string_view type() const { return type_; }

private:
  const resource_view* view_;
  std::string_view type_;
  base::timestamp after_;
  std::vector<dated_version> rows_;
  std::size_t next_ = 0;
  bool ended_ = false;
};

// Who may read is decided once for each class of each type.
class visibility {
public:
  explicit visibility(const op_scope& scope) : scope_(&scope) {}
  bool operator()(std::string_view access_class) {
    const auto known = decided_.find(access_class);
    if (known != decided_.end()) return known->second;
    const auto& who = scope_->context.who;
    return decided_.emplace(access_class, may_read_class(access_class, who, scope_->allow_list, scope_->view, true)).first->second;
  }

private:
  const op_scope* scope_;
  std::unordered_map<std::string_view, bool> decided_;
};

// The first moment that may be asked for.
base::timestamp first_moment(const history_query& query) {
  auto from = query.since_us.value_or(INT64_MIN + 1);
  for (const auto& c : query.at)
    if (c.prefix == date_prefix::eq || c.prefix == date_prefix::ge || c.prefix == date_prefix::gt) from = std::max(from, c.date.from);
  return {from - 1};
}

bool may_see(const op_scope& scope, std::string_view type) {
  const auto& who = scope.context.who;
  return DSF_MUTANT("fhir.history_needs_no_read_role") || (who.may(operation::history, type) && who.may(operation::read, type));
}

}  // namespace

bool history_query::includes(base::timestamp last_updated) const {
  if (since_us && last_updated.us < *since_us) return false;
  return std::ranges::all_of(at, [&](const search_condition& c) { return updated_matches(c, last_updated); });
}

op_result<history_page> history_of_types(const op_scope& scope, const std::vector<std::string_view>& types, const history_query& query) {
  const auto from = first_moment(query);
  const auto first_row = (query.page - 1) * query.count, end_row = query.page * query.count;
  std::vector<type_rows> sources;
  for (const auto type : types)
    if (may_see(scope, type)) sources.emplace_back(scope.view, type, from);
  visibility visible(scope);
  struct place {
    std::string_view type;
    base::uuid id;
    std::uint64_t version;
  };
  std::vector<place> places;
  history_page out;
  for (std::size_t looked_at = 0;; ++looked_at) {
    if (looked_at == scope.context.config.max_history_rows)
      return op_fail(403, "too-costly",
                     fmt::format("the history has more than {} versions; ask for those of one type, or with _since", looked_at));
    type_rows* oldest = nullptr;
    const dated_version* row = nullptr;
    for (auto& s : sources)
      if (const auto* r = OP_TRY(s.peek()); r && (!row || r->last_updated < row->last_updated)) oldest = &s, row = r;
    if (!oldest) break;
    if (query.includes(row->last_updated) && (DSF_MUTANT("fhir.history_shows_all") || visible(row->access_class))) {
      if (out.total >= first_row && out.total < end_row) places.push_back({oldest->type(), row->id, row->version});
      ++out.total;
    }
    oldest->step();
  }
  for (const auto& p : places) {
    auto stored = OP_TRY(scope.view.version(p.type, p.id, p.version));
    if (!stored) return op_fail(500, "exception", "Error while accessing DB");
    out.rows.push_back(std::move(*stored));
  }
  return out;
}

op_result<history_page> history_of_resource(const op_scope& scope, std::string_view type, base::uuid id, const history_query& query) {
  const auto limit = scope.context.config.max_history_rows;
  auto all = OP_TRY(scope.view.history(type, id, limit));
  std::erase_if(all, [&](const stored_resource& s) {
    return !query.includes(s.last_updated) || !may_find(s, scope.context.who, scope.allow_list, scope.view);
  });
  history_page out;
  out.total = static_cast<std::int64_t>(all.size());
  const auto first_row = std::clamp<std::int64_t>((query.page - 1) * query.count, 0, out.total);
  const auto end_row = std::clamp<std::int64_t>(query.page * query.count, first_row, out.total);
  out.rows.assign(std::make_move_iterator(all.begin() + first_row), std::make_move_iterator(all.begin() + end_row));
  return out;
}

}  // namespace dsf::fhir
