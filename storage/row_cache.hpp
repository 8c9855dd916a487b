// Current rows as the commit thread sees them: what is stored, with the writes of the group under way on top. Saves a read for each write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/kv.hpp"

namespace dsf::storage {

struct string_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
};
template <class Value>
using string_map = std::unordered_map<std::string, Value, string_hash, std::equal_to<>>;

// Two generations: what was not looked at since the last change of generation is forgotten with the next.
class row_cache {
public:
  struct slot {
    bool present = false;
    std::string value;
  };

  row_cache(const kv_reader& rows, std::size_t limit_bytes) : rows_(&rows), limit_bytes_(limit_bytes) {}

  // Stays valid until end_of_group().
  result<slot*> load(family f, std::string_view key) {
    if (const auto hit = young_.find(key); hit != young_.end()) return &hit->second;
    if (const auto hit = old_.find(key); hit != old_.end()) {
      auto node = old_.extract(hit);
      bytes_ += cost(node.key(), node.mapped());
      return &young_.insert(std::move(node)).position->second;
    }
    slot loaded;
    loaded.present = TRY(rows_->find(f, key, loaded.value));
    bytes_ += cost(key, loaded);
    return &young_.emplace(std::string(key), std::move(loaded)).first->second;
  }
  // The slot's value was replaced by a longer one.
  void grew(std::size_t by_bytes) { bytes_ += by_bytes; }

  void end_of_group() {
    if (bytes_ < limit_bytes_ / 2) return;
    old_ = std::move(young_);
    young_.clear();
    bytes_ = 0;
  }

private:
  static std::size_t cost(std::string_view key, const slot& s) { return 96 + key.size() + s.value.size(); }

  const kv_reader* rows_;
  std::size_t limit_bytes_;
  std::size_t bytes_ = 0;
  string_map<slot> young_;
  string_map<slot> old_;
};

}  // namespace dsf::storage
