// A sorted table of small records that is cheap to copy: copies share chunks and records until one of them writes. `advance` works on a
// copy of the state, so an instance with thousands of executions must not pay for all of them in each step.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace dsf::bpmn {

// `Record` has a member `id` (u32), the key. Pointers to records are valid until the next change of the table.
template <class Record>
class table {
  using id_type = std::uint32_t;
  struct chunk {
    std::vector<std::shared_ptr<Record>> records;  // sorted by id, never empty
  };
  static constexpr std::size_t chunk_limit = 64;

public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  [[nodiscard]] const Record* find(id_type id) const {
    const auto at = position(id);
    return at.found ? chunks_[at.chunk]->records[at.record].get() : nullptr;
  }

  // The record for writing, or null. Clones what is shared with other copies of the table.
  [[nodiscard]] Record* edit(id_type id) {
    const auto at = position(id);
    if (!at.found) return nullptr;
    auto& slot = own(chunks_[at.chunk]).records[at.record];
    return &own(slot);
  }

  // False when the id is taken.
  bool insert(Record record) {
    const auto at = position(record.id);
    if (at.found) return false;
    ++size_;
    if (chunks_.empty()) {
      chunks_.push_back(std::make_shared<chunk>());
      chunks_.back()->records.push_back(std::make_shared<Record>(std::move(record)));
      return true;
    }
    auto& target = own(chunks_[at.chunk]);
    target.records.insert(target.records.begin() + static_cast<std::ptrdiff_t>(at.record), std::make_shared<Record>(std::move(record)));
    if (target.records.size() > chunk_limit) split(at.chunk);
    return true;
  }

  bool erase(id_type id) {
    const auto at = position(id);
    if (!at.found) return false;
    --size_;
    auto& target = own(chunks_[at.chunk]);
    target.records.erase(target.records.begin() + static_cast<std::ptrdiff_t>(at.record));
    if (target.records.empty()) chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(at.chunk));
    return true;
  }

  void clear() {
    chunks_.clear();
    size_ = 0;
  }

  // In order of ids.
  class iterator {
  public:
    const Record& operator*() const { return *(*chunks_)[chunk_]->records[record_]; }
    const Record* operator->() const { return &**this; }
    iterator& operator++() {
      if (++record_ == (*chunks_)[chunk_]->records.size()) {
        ++chunk_;
        record_ = 0;
      }
      return *this;
    }
    bool operator==(const iterator& o) const { return chunk_ == o.chunk_ && record_ == o.record_; }

  private:
    friend table;
    iterator(const std::vector<std::shared_ptr<chunk>>* chunks, std::size_t at) : chunks_(chunks), chunk_(at) {}
    const std::vector<std::shared_ptr<chunk>>* chunks_;
    std::size_t chunk_;
    std::size_t record_ = 0;
  };
  [[nodiscard]] iterator begin() const { return iterator(&chunks_, 0); }
  [[nodiscard]] iterator end() const { return iterator(&chunks_, chunks_.size()); }

  bool operator==(const table& o) const { return size_ == o.size_ && std::equal(begin_records(), end_records(), o.begin_records()); }

private:
  struct place {
    std::size_t chunk = 0;
    std::size_t record = 0;
    bool found = false;
  };

  // Comparing iterator with the traits std::equal needs.
  struct record_iterator : iterator {
    using iterator_category = std::input_iterator_tag;
    using value_type = Record;
    using difference_type = std::ptrdiff_t;
    using pointer = const Record*;
    using reference = const Record&;
    explicit record_iterator(iterator i) : iterator(i) {}
    record_iterator& operator++() {
      iterator::operator++();
      return *this;
    }
  };
  [[nodiscard]] record_iterator begin_records() const { return record_iterator(begin()); }
  [[nodiscard]] record_iterator end_records() const { return record_iterator(end()); }

  [[nodiscard]] place position(id_type id) const {
    if (chunks_.empty()) return {};
    auto c = std::upper_bound(chunks_.begin(), chunks_.end(), id, [](id_type i, const auto& ch) { return i < ch->records.front()->id; });
    if (c != chunks_.begin()) --c;
    const auto& records = (*c)->records;
    auto r = std::lower_bound(records.begin(), records.end(), id, [](const auto& rec, id_type i) { return rec->id < i; });
    return {static_cast<std::size_t>(c - chunks_.begin()), static_cast<std::size_t>(r - records.begin()),
            r != records.end() && (*r)->id == id};
  }

  template <class T>
  static T& own(std::shared_ptr<T>& p) {
    if (p.use_count() > 1)
      p = std::make_shared<T>(*p);
    else
      std::atomic_thread_fence(std::memory_order_acquire);  // another thread may just have let go of its copy
    return *p;
  }

  void split(std::size_t at) {
    auto& left = *chunks_[at];
    auto right = std::make_shared<chunk>();
    // Ids mostly grow: a full last chunk stays full, the new record starts the next one.
    const auto cut = static_cast<std::ptrdiff_t>(at + 1 == chunks_.size() ? left.records.size() - 1 : left.records.size() / 2);
    right->records.assign(std::make_move_iterator(left.records.begin() + cut), std::make_move_iterator(left.records.end()));
    left.records.erase(left.records.begin() + cut, left.records.end());
    chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(right));
  }

  std::vector<std::shared_ptr<chunk>> chunks_;
  std::size_t size_ = 0;
};

}  // namespace dsf::bpmn
