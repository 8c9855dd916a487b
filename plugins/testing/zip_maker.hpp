// For tests: zips as packers make them, and as none does. Entries are stored, or are runs of one byte that pack well.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dsf::plugins::testing {

struct zip_entry {
  std::string name, text;
  std::uint32_t mode = 0100644;
  std::uint16_t flags = 0;
  int method = 0;              // 8: `text` is packed already
  std::uint32_t size = 0;      // method 8: unpacked
  std::uint32_t crc = 0;       // method 8
};

inline std::uint32_t crc32(const std::string& text) {
  std::uint32_t crc = 0xffff'ffff;
  for (const unsigned char c : text) {
    crc ^= c;
    for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ (crc & 1 ? 0xedb8'8320u : 0);
  }
  return ~crc;
}

inline std::string make_zip(const std::vector<zip_entry>& entries) {
  std::string out, directory;
  const auto le = [](std::string& to, std::uint64_t v, int bytes) {
    for (int i = 0; i < bytes; ++i) to += static_cast<char>(v >> (8 * i) & 0xff);
  };
  for (const auto& e : entries) {
    const auto crc = e.method == 0 ? crc32(e.text) : e.crc;
    const auto size = e.method == 0 ? e.text.size() : e.size;
    const auto head = [&](std::string& to) {
      le(to, e.flags, 2), le(to, static_cast<std::uint64_t>(e.method), 2), le(to, 0, 2), le(to, 0x21, 2), le(to, crc, 4);
      le(to, e.text.size(), 4), le(to, size, 4), le(to, e.name.size(), 2), le(to, 0, 2);
    };
    const auto at = out.size();
    le(out, 0x0403'4b50, 4), le(out, 20, 2), head(out);
    out += e.name + e.text;
    le(directory, 0x0201'4b50, 4), le(directory, 3 << 8 | 20, 2), le(directory, 20, 2), head(directory);
    le(directory, 0, 2), le(directory, 0, 2), le(directory, 0, 2), le(directory, std::uint64_t{e.mode} << 16, 4), le(directory, at, 4);
    directory += e.name;
  }
  const auto begin = out.size();
  out += directory;
  le(out, 0x0605'4b50, 4), le(out, 0, 4), le(out, entries.size(), 2), le(out, entries.size(), 2), le(out, directory.size(), 4),
      le(out, begin, 4), le(out, 0, 2);
  return out;
}

}  // namespace dsf::plugins::testing
