#include "actors/binary_data.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/json.hpp"

namespace dsf::actors {
namespace {

constexpr std::size_t word_at_most = 64;

constexpr std::array<std::int8_t, 256> digits = [] {
  std::array<std::int8_t, 256> t{};
  t.fill(-1);
  constexpr std::string_view all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < all.size(); ++i) t[static_cast<unsigned char>(all[i])] = static_cast<std::int8_t>(i);
  return t;
}();

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

base::failure bad(std::string text) { return base::fail(base::errc::invalid_argument, std::move(text)); }

}  // namespace

base::result<void> binary_data::put(std::string_view text, std::string& bytes) {
  for (const char c : text) {
    TRY(form_ == form::json ? json(c, bytes) : xml(c, bytes));
    if (rest_.size() > rest_at_most_)
      return base::fail(base::errc::limit, fmt::format("the Binary has more than {} bytes beside its data", rest_at_most_));
  }
  return {};
}

base::result<void> binary_data::digit(char c, std::string& bytes) {
  if (is_space(c)) return {};
  if (c == '=') {
    // The last group: two or three digits, then as many signs as are missing.
    if (in_group_ < 2 || in_group_ + ++padding_ > 4) return bad("Binary.data is not Base64: a padding character where none may be");
    if (in_group_ + padding_ == 4) {
      if (group_ & (in_group_ == 2 ? 0xfU : 0x3U)) return bad("Binary.data is not Base64: bits behind its end");
      group_ <<= 6 * padding_;
      for (int i = 0; i < in_group_ - 1; ++i) bytes += static_cast<char>(group_ >> (16 - 8 * i));
      group_ = 0;
      in_group_ = 0;
    }
    return {};
  }
  const auto d = digits[static_cast<unsigned char>(c)];
  if (d < 0 || padding_ > 0)
    return bad(fmt::format("Binary.data is not Base64: byte {:#04x} is none of its characters, or comes behind its end",
                           static_cast<unsigned char>(c)));
  group_ = group_ << 6 | static_cast<std::uint32_t>(d);
  if (++in_group_ == 4) {
    bytes += static_cast<char>(group_ >> 16);
    bytes += static_cast<char>(group_ >> 8);
    bytes += static_cast<char>(group_);
    group_ = 0;
    in_group_ = 0;
  }
  return {};
}

base::result<void> binary_data::end_of_data() {
  if (in_group_ != 0) return bad("Binary.data is not Base64: its length is not a multiple of four characters");
  if (std::exchange(found_, true)) return bad("Binary.data occurs twice");
  return {};
}

base::result<void> binary_data::json(char c, std::string& bytes) {
  if (in_data_) {
    if (escaped_) {
      escaped_ = false;
      if (c == '/') return digit(c, bytes);
      if (c == 'n' || c == 'r' || c == 't') return {};
      return bad("Binary.data is not Base64: an escape that stands for none of its characters");
    }
    if (c == '\\') {
      escaped_ = true;
      return {};
    }
    if (c != '"') return digit(c, bytes);
    in_data_ = false;
    rest_ += '"';
    return end_of_data();
  }
  if (in_string_) {
    rest_ += c;
    if (escaped_) {
      escaped_ = false;
      word_.assign(1, '\0');  // no key of ours has an escape
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
    } else if (is_key_ && word_.size() < word_at_most) {
      word_ += c;
    }
    return {};
  }
  if (is_space(c)) {
    rest_ += c;
    return {};
  }
  const bool data_follows = std::exchange(value_follows_, false) && depth_ == 1 && word_ == "data";
  if (c == '"' && data_follows) {
    // Something has to stand there until the text is read as JSON.
    rest_ += "\"AAAA";
    in_data_ = true;
    return {};
  }
  rest_ += c;
  switch (c) {
    case '"':
      in_string_ = true;
      is_key_ = std::exchange(key_follows_, false);
      if (is_key_) word_.clear();
      break;
    case '{':
      ++depth_;
      key_follows_ = true;
      break;
    case '[':
      ++depth_;
      key_follows_ = false;
      break;
    case '}':
    case ']': --depth_; break;
    case ',': key_follows_ = depth_ == 1; break;
    case ':': value_follows_ = is_key_; break;
    default: break;
  }
  return {};
}

base::result<void> binary_data::xml(char c, std::string& bytes) {
  if (place_ == place::data) {
    if (c != quote_) return digit(c, bytes);
    place_ = place::inside;
    taken_ = true;
    attribute_.clear();
    return end_of_data();
  }
  rest_ += c;
  const char last = std::exchange(last_, c), before = std::exchange(before_last_, last);
  switch (place_) {
    case place::text:
      if (c == '<') {
        place_ = place::tag;
        tag_at_ = rest_.size() - 1;
        word_.clear();
        attribute_.clear();
        taken_ = false;
      }
      break;
    case place::tag:
      place_ = c == '/' ? place::end_tag : c == '?' ? place::instruction : c == '!' ? place::comment : place::name;
      if (place_ == place::name) word_ += c;
      break;
    case place::name:
      if (is_space(c) || c == '>' || c == '/') {
        place_ = place::inside;
        if (c != '>') break;
      } else {
        if (word_.size() < word_at_most) word_ += c;
        break;
      }
      [[fallthrough]];
    case place::inside:
      if (c == '>') {
        const bool closed = last == '/';
        // The element goes with its data; one that has children stays, without a value.
        if (taken_ && closed) rest_.resize(tag_at_);
        if (!closed) ++depth_;
        place_ = place::text;
      } else if (c == '"' || c == '\'') {
        quote_ = c;
        place_ = depth_ == 1 && word_ == "data" && attribute_ == "value" ? place::data : place::value;
        if (place_ == place::data) rest_.resize(rest_.find_last_not_of(" \n\r\t=", rest_.size() - 2) + 1 - 5);
      } else if (c != '=' && !is_space(c) && c != '/') {
        if (is_space(last) && attribute_.size() > 0) attribute_.clear();
        if (attribute_.size() < word_at_most) attribute_ += c;
      }
      break;
    case place::value:
      if (c == quote_) {
        place_ = place::inside;
        attribute_.clear();
      }
      break;
    case place::comment: {
      // <!-- ... --> or another declaration, which the reader refuses.
      const bool is_comment = rest_.size() - tag_at_ >= 4 && rest_.compare(tag_at_, 4, "<!--") == 0;
      if (c == '>' && (is_comment ? rest_.size() - tag_at_ >= 7 && last == '-' && before == '-' : rest_.size() - tag_at_ > 3))
        place_ = place::text;
      break;
    }
    case place::instruction:
      if (c == '>' && last == '?') place_ = place::text;
      break;
    case place::end_tag:
      if (c == '>') {
        --depth_;
        place_ = place::text;
      }
      break;
    case place::data: break;
  }
  return {};
}

base::result<std::string> binary_data::finish() {
  if (in_data_ || place_ == place::data) return bad("the Binary ends inside its data");
  if (form_ == form::xml || !found_) return std::move(rest_);
  auto resource = TRY(base::json::parse(rest_));
  resource.erase("data");
  return resource.dump();
}

}  // namespace dsf::actors
