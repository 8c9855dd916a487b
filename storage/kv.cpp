#include "storage/kv.hpp"

#include <cstring>

namespace dsf::storage {

std::string_view name_of(family f) noexcept {
  switch (f) {
    case family::meta: return "meta";
    case family::res: return "res";
    case family::hist: return "hist";
    case family::idx: return "idx";
    case family::pi: return "pi";
    case family::queue: return "queue";
    case family::feed: return "feed";
  }
  return "?";
}

void write_batch::add(op o, family f, std::string_view key, std::string_view value) {
  const auto key_length = static_cast<std::uint32_t>(key.size());
  const auto value_length = static_cast<std::uint32_t>(value.size());
  char head[10];
  head[0] = static_cast<char>(o);
  head[1] = static_cast<char>(f);
  std::memcpy(head + 2, &key_length, 4);
  std::memcpy(head + 6, &value_length, 4);
  bytes_.append(head, sizeof head);
  bytes_.append(key);
  bytes_.append(value);
  ++rows_;
}

std::uint32_t write_batch::length_at(const char* p) noexcept {
  std::uint32_t n = 0;
  std::memcpy(&n, p, sizeof n);
  return n;
}

void write_batch::clear() noexcept {
  bytes_.clear();
  rows_ = 0;
}

void write_batch::roll_back(mark m) noexcept {
  bytes_.resize(m.bytes);
  rows_ = m.rows;
}

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty()) {
    if (static_cast<unsigned char>(end.back()) != 0xff) {
      ++end.back();
      return end;
    }
    end.pop_back();
  }
  return end;
}

key_range key_range::prefix(std::string_view p, bool reverse) { return {std::string(p), prefix_end(p), reverse}; }

}  // namespace dsf::storage
