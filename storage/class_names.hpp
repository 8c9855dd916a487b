// Access classes: canonical texts stored once and named by a number (docs/design.md, decision 14).
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "storage/row_cache.hpp"

namespace dsf::storage {

// Thread-safe; only the commit thread adds. Number 0 is the empty text and has no row.
class class_names {
public:
  class_names() { add({}); }

  std::optional<std::uint32_t> number_of(std::string_view text) const {
    const std::shared_lock lock(mutex_);
    const auto hit = numbers_.find(text);
    if (hit == numbers_.end()) return std::nullopt;
    return hit->second;
  }
  std::optional<std::string> text_of(std::uint32_t number) const {
    const std::shared_lock lock(mutex_);
    if (number >= texts_.size()) return std::nullopt;
    return texts_[number];
  }
  // Valid as long as this object: texts stay where they are.
  std::optional<std::string_view> view_of(std::uint32_t number) const {
    const std::shared_lock lock(mutex_);
    if (number >= texts_.size()) return std::nullopt;
    return texts_[number];
  }
  std::uint32_t add(std::string_view text) {
    const std::unique_lock lock(mutex_);
    const auto number = static_cast<std::uint32_t>(texts_.size());
    texts_.emplace_back(text);
    numbers_.emplace(std::string(text), number);
    return number;
  }

private:
  mutable std::shared_mutex mutex_;
  std::deque<std::string> texts_;
  string_map<std::uint32_t> numbers_;
};

}  // namespace dsf::storage
