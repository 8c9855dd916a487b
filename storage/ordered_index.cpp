#include "storage/ordered_index.hpp"

#include <algorithm>
#include <queue>

#include "base/mutant.hpp"
#include "storage/record.hpp"
#include "storage/store.hpp"

namespace dsf::storage {
namespace {

constexpr std::uint32_t no_place = UINT32_MAX;
constexpr std::size_t feed_step = 1'000;
constexpr std::size_t left_at_least = 10'000;  // before places are numbered anew

}  // namespace

ordered_index::ordered_index(store& of, std::string type, std::string parameter, std::function<void(std::function<void()>)> later)
    : store_(&of), type_(std::move(type)), parameter_(std::move(parameter)), later_(std::move(later)) {}

result<std::optional<fhir::ordered_page>> ordered_index::page(const fhir::ordered_request& request, bool wait) {
  if (request.type != type_) return std::nullopt;
  if (!made_ && !wait) {
    if (!asked_for_.exchange(true))
      later_([self = shared_from_this()] {
        const std::lock_guard lock{self->mutex_};
        // Who asks next finds the same error, and is told.
        if (const auto view = self->store_->view()) (void)self->bring_up_to(*view);
        self->asked_for_ = false;
      });
    return std::nullopt;
  }
  fhir::ordered_page out;
  std::vector<base::uuid> ids;
  {
    const std::lock_guard lock{mutex_};
    const auto view = store_->view();
    if (!view) return fail(errc::closed, "the store is closed");
    TRY(bring_up_to(*view));
    const auto place_at = [&](std::int64_t us) {
      const auto found = std::ranges::lower_bound(places_, us, {}, &place::updated_us);
      return static_cast<std::uint32_t>(found - places_.begin());
    };
    const auto from = place_at(request.from), to = place_at(request.to);
    std::vector<part> parts;
    std::unordered_map<std::string_view, bool> readable;
    for (const auto& g : groups_) {
      if (g.places.empty() || from >= to || !request.accepts(g.values)) continue;
      const auto [known, fresh] = readable.try_emplace(g.access_class, false);
      if (fresh) known->second = request.readable(g.access_class, *view);
      if (!known->second) continue;
      const auto first = std::ranges::lower_bound(g.places, from), last = std::ranges::lower_bound(g.places, to);
      if (first == last) continue;
      parts.push_back({&g.places, static_cast<std::size_t>(first - g.places.begin()), static_cast<std::size_t>(last - g.places.begin())});
      out.total += parts.back().to - parts.back().from;
    }
    auto [first, count] = request.window(out.total);
    first = std::min(first, out.total);
    count = std::min(count, out.total - first);
    if (request.newest_first) first = out.total - first - count;
    for (const auto at : ranked(std::move(parts), first, count)) ids.push_back(places_[at].id);
    if (request.newest_first) std::ranges::reverse(ids);
    out.view = view;
  }
  out.rows.reserve(ids.size());
  for (const auto& id : ids) {
    auto row = TRY(out.view->current(type_, id));
    if (!row || row->deleted || !row->bytes)
      return fail(errc::damaged, "the order of resources names one that is not there", type_ + "/" + id.to_string());
    out.rows.push_back(std::move(*row));
  }
  return out;
}

std::size_t ordered_index::places_held() {
  const std::lock_guard lock{mutex_};
  return places_.size();
}

std::vector<std::uint32_t> ordered_index::ranked(std::vector<part> parts, std::size_t first, std::size_t count) {
  if (first > 0) {
    const auto begin_at = [](const part& p, std::uint32_t place) {
      const auto from = p.places->begin() + static_cast<std::ptrdiff_t>(p.from), to = p.places->begin() + static_cast<std::ptrdiff_t>(p.to);
      return static_cast<std::size_t>(std::lower_bound(from, to, place) - p.places->begin());
    };
    const auto below = [&](std::uint32_t place) {
      std::size_t n = 0;
      for (const auto& p : parts) n += begin_at(p, place) - p.from;
      return n;
    };
    // The least place with `first` places below it.
    std::uint32_t low = 0, high = no_place;
    while (low < high) {
      const auto middle = low + (high - low) / 2;
      if (below(middle) < first)
        low = middle + 1;
      else
        high = middle;
    }
    for (auto& p : parts) p.from = begin_at(p, low);
  }
  using head = std::pair<std::uint32_t, std::size_t>;  // place, part
  std::priority_queue<head, std::vector<head>, std::greater<>> heads;
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (parts[i].from < parts[i].to) heads.emplace((*parts[i].places)[parts[i].from], i);
  std::vector<std::uint32_t> out;
  while (out.size() < count && !heads.empty()) {
    const auto [at, i] = heads.top();
    heads.pop();
    out.push_back(at);
    if (++parts[i].from < parts[i].to) heads.emplace((*parts[i].places)[parts[i].from], i);
  }
  return out;
}

result<void> ordered_index::bring_up_to(const store_view& view) {
  if (made_ && view.sequence() == sequence_) return {};
  // Older than what is known only while the store is opened again: then the rows say why.
  auto done = made_ && view.sequence() > sequence_ ? follow(view) : make(view);
  if (!done && done.error().is(errc::feed_trimmed)) done = make(view);
  if (!done) {
    clear();
    return done;
  }
  sequence_ = view.sequence();
  made_ = true;
  return {};
}

void ordered_index::clear() {
  made_ = false;
  sequence_ = 0;
  left_ = sealed_ = 0;
  places_ = {};
  groups_ = {};
  group_by_name_ = {};
  by_ordinal_ = {};
}

result<std::uint32_t> ordered_index::group_of(const store_view& view, base::uuid id, std::vector<std::string> values,
                                              std::uint32_t access_class) {
  auto name = std::to_string(access_class);
  for (const auto& v : values) name += " " + std::to_string(v.size()) + " " + v;
  const auto [found, fresh] = group_by_name_.try_emplace(std::move(name), static_cast<std::uint32_t>(groups_.size()));
  if (fresh) {
    auto stored = view.current(type_, id);
    if (!stored || !*stored) {
      group_by_name_.erase(found);
      if (!stored) return base::failure(std::move(stored).error());
      return fail(errc::damaged, "a resource is not where it was", type_ + "/" + id.to_string());
    }
    groups_.push_back({std::move(values), std::move((*stored)->access_class), {}});
  }
  return found->second;
}

result<std::optional<ordered_index::place>> ordered_index::place_of(const store_view& view, base::uuid id, std::string_view value) {
  const auto r = TRY(parse_record(value));
  if (r.deleted) return std::nullopt;
  if (r.sealed && !TRY(view.row_value(table::data_key, keys::resource_data_key(type_, id)))) return std::nullopt;
  std::vector<std::string> values;
  const auto entries = TRY(parse_keys(r.keys));
  for (const auto& e : entries.index)
    if (e.name == parameter_) values.emplace_back(e.value);
  place out;
  out.id = id;
  out.updated_us = r.last_updated.us;
  out.ordinal = r.ordinal;
  out.group = TRY(group_of(view, id, std::move(values), r.access_class));
  out.live = 1;
  out.sealed = r.sealed ? 1 : 0;
  return out;
}

result<void> ordered_index::make(const store_view& view) {
  clear();
  std::vector<place> all;
  result<void> broken;
  const auto prefix = row_keys::type_prefix(table::resource, type_);
  TRY(view.below().scan(family::res, key_range::prefix(prefix), [&](std::string_view key, std::string_view value) {
    if (key.size() != prefix.size() + 16) {
      broken = fail(errc::damaged, "a row is of no resource", type_);
      return false;
    }
    auto p = place_of(view, base::uuid::from_raw(key.substr(prefix.size())), value);
    if (!p) {
      broken = base::failure(std::move(p).error());
      return false;
    }
    if (*p) all.push_back(**p);
    return true;
  }));
  TRY(std::move(broken));
  std::ranges::sort(all, {}, [](const place& p) { return std::pair(p.updated_us, p.id); });
  places_.reserve(all.size());
  for (const auto& p : all) append(p);
  return {};
}

result<void> ordered_index::follow(const store_view& view) {
  std::unordered_set<base::uuid> changed, gone;
  bool keys_went = false;
  for (auto at = sequence_; at < view.sequence();) {
    const auto entries = TRY(view.read_feed(at, feed_step));
    if (entries.empty()) return fail(errc::feed_trimmed, "the feed ends before its snapshot");
    at = entries.back().sequence;
    for (const auto& e : entries) {
      for (const auto& r : e.resources) {
        if (r.type != type_) continue;
        changed.insert(r.id);
        // One that comes again after it has another ordinal.
        if (r.what == resource_change::kind::purged) gone.insert(r.id);
      }
      // Erasure is a commit in which a data key goes, and nothing else.
      keys_went = keys_went || (e.touches(table::data_key) && e.resources.empty() && e.instances.empty());
    }
  }
  std::vector<place> now;
  std::string value;
  for (const auto& id : changed) {
    std::optional<place> p;
    if (TRY(view.below().find(family::res, row_keys::resource(type_, id), value))) p = TRY(place_of(view, id, value));
    if (p)
      now.push_back(*p);
    else
      gone.insert(id);
  }
  std::ranges::sort(now, {}, [](const place& p) { return std::pair(p.updated_us, p.id); });
  if (!DSF_MUTANT("storage.order_keeps_what_is_gone")) leave_gone(gone);
  for (const auto& p : now) {
    if (p.ordinal < by_ordinal_.size() && by_ordinal_[p.ordinal] != no_place) {
      if (places_[by_ordinal_[p.ordinal]].updated_us == p.updated_us) continue;
      leave(by_ordinal_[p.ordinal]);
    }
    // Each version is younger than all before it; were it not so, all would have to be sorted.
    if (!places_.empty() && places_.back().updated_us >= p.updated_us) return make(view);
    append(p);
  }
  if (keys_went && sealed_ > 0) TRY(leave_erased(view));
  if (left_ > left_at_least && left_ > places_.size() / 2) renumber();
  return {};
}

void ordered_index::append(place p) {
  const auto at = static_cast<std::uint32_t>(places_.size());
  if (p.ordinal >= by_ordinal_.size()) by_ordinal_.resize(std::max<std::size_t>(p.ordinal + 1, by_ordinal_.size() * 5 / 4), no_place);
  by_ordinal_[p.ordinal] = at;
  groups_[p.group].places.push_back(at);
  sealed_ += p.sealed;
  places_.push_back(p);
}

void ordered_index::leave(std::uint32_t at) {
  auto& p = places_[at];
  if (!p.live) return;
  auto& list = groups_[p.group].places;
  const auto found = std::ranges::lower_bound(list, at);
  if (found != list.end() && *found == at) list.erase(found);
  if (by_ordinal_[p.ordinal] == at) by_ordinal_[p.ordinal] = no_place;
  p.live = 0;
  sealed_ -= p.sealed;
  ++left_;
}

void ordered_index::leave_gone(const std::unordered_set<base::uuid>& ids) {
  if (ids.empty()) return;
  for (std::uint32_t at = 0; at < places_.size(); ++at)
    if (places_[at].live && ids.contains(places_[at].id)) leave(at);
}

result<void> ordered_index::leave_erased(const store_view& view) {
  for (std::uint32_t at = 0; at < places_.size(); ++at) {
    const auto& p = places_[at];
    if (p.live && p.sealed && !TRY(view.row_value(table::data_key, keys::resource_data_key(type_, p.id)))) leave(at);
  }
  return {};
}

void ordered_index::renumber() {
  auto all = std::exchange(places_, {});
  for (auto& g : groups_) g.places.clear();
  left_ = sealed_ = 0;
  for (const auto& p : all)
    if (p.live) append(p);
}

}  // namespace dsf::storage
