// The current resources of one type in memory, in the order of their last update and grouped by the values of one search parameter and by access class:
// what answers a search for a page of a million Tasks. Made from the store when it is first asked for, and brought up to date from the feed by
// whoever asks; no commit knows of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.hpp"
#include "fhir/semantics/search/ordered.hpp"
#include "storage/view.hpp"

namespace dsf::storage {

class store;

class ordered_index : public std::enable_shared_from_this<ordered_index> {
public:
  // `later` runs a job soon, on a thread that may read the disk.
  ordered_index(store& of, std::string type, std::string parameter, std::function<void(std::function<void()>)> later);

  // As fhir::ordered_view. Thread-safe.
  result<std::optional<fhir::ordered_page>> page(const fhir::ordered_request& request, bool wait);
  [[nodiscard]] const std::string& parameter() const { return parameter_; }
  // Versions it remembers, those that are no longer current too.
  [[nodiscard]] std::size_t places_held();

private:
  // One version that is, or was, current. Places are numbered in the order of time.
  struct place {
    base::uuid id;
    std::int64_t updated_us = 0;
    std::uint32_t ordinal = 0;
    std::uint32_t group : 30 = 0;
    std::uint32_t live : 1 = 0;
    std::uint32_t sealed : 1 = 0;
  };
  struct group {
    std::vector<std::string> values;
    std::string access_class;
    std::vector<std::uint32_t> places;  // ascending
  };
  // Of a group, what a request wants: [from, to) of its places.
  struct part {
    const std::vector<std::uint32_t>* places = nullptr;
    std::size_t from = 0, to = 0;
  };

  result<void> bring_up_to(const store_view& view);
  result<void> make(const store_view& view);
  result<void> follow(const store_view& view);
  // Nothing: there is no such resource any more, or its data were erased.
  result<std::optional<place>> place_of(const store_view& view, base::uuid id, std::string_view record);
  result<std::uint32_t> group_of(const store_view& view, base::uuid id, std::vector<std::string> values, std::uint32_t access_class);
  void append(place p);
  void leave(std::uint32_t at);
  void leave_gone(const std::unordered_set<base::uuid>& ids);
  result<void> leave_erased(const store_view& view);
  void renumber();
  void clear();
  // The places of rank [first, first + count) of all parts together.
  static std::vector<std::uint32_t> ranked(std::vector<part> parts, std::size_t first, std::size_t count);

  store* store_;
  std::string type_, parameter_;
  std::function<void(std::function<void()>)> later_;
  std::atomic<bool> made_ = false;
  std::atomic<bool> asked_for_ = false;  // a job will make it

  std::mutex mutex_;
  std::uint64_t sequence_ = 0;
  std::vector<place> places_;
  std::size_t left_ = 0;  // places that are not live
  std::size_t sealed_ = 0;  // places that are, of resources under a data key
  std::vector<group> groups_;
  std::unordered_map<std::string, std::uint32_t> group_by_name_;
  std::vector<std::uint32_t> by_ordinal_;
};

// A snapshot that can be asked for pages of the index's type as well.
class ordered_store_view final : public fhir::ordered_view {
public:
  ordered_store_view(std::shared_ptr<const store_view> view, std::shared_ptr<ordered_index> index)
      : view_(std::move(view)), index_(std::move(index)) {}

  std::string_view ordered_parameter() const override { return index_->parameter(); }
  result<std::optional<fhir::ordered_page>> page(const fhir::ordered_request& request, bool wait) const override {
    return index_->page(request, wait);
  }

  result<std::optional<fhir::stored_resource>> current(std::string_view type, base::uuid id) const override {
    return view_->current(type, id);
  }
  result<std::optional<fhir::stored_resource>> version(std::string_view type, base::uuid id, std::uint64_t version) const override {
    return view_->version(type, id, version);
  }
  result<std::vector<fhir::stored_resource>> history(std::string_view type, base::uuid id, std::size_t limit) const override {
    return view_->history(type, id, limit);
  }
  result<std::vector<base::uuid>> ids_in(std::string_view type, std::string_view parameter, std::string_view from, std::string_view to,
                                         std::size_t limit) const override {
    return view_->ids_in(type, parameter, from, to, limit);
  }
  result<std::vector<base::uuid>> all_ids(std::string_view type, std::size_t limit) const override { return view_->all_ids(type, limit); }
  result<std::vector<fhir::dated_version>> dated(std::string_view type, base::timestamp after, std::size_t limit) const override {
    return view_->dated(type, after, limit);
  }
  result<std::optional<base::uuid>> unique_owner(std::string_view rule, std::string_view key) const override {
    return view_->unique_owner(rule, key);
  }
  std::uint64_t sequence() const override { return view_->sequence(); }

private:
  std::shared_ptr<const store_view> view_;
  std::shared_ptr<ordered_index> index_;
};

}  // namespace dsf::storage
