// Parts the data of a Binary in FHIR JSON or XML from the rest, while the text comes in pieces: the data is decoded and handed on, so that a resource of
// hundreds of megabytes needs no memory for them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace dsf::actors {

class binary_data {
public:
  enum class form : std::uint8_t { json, xml };
  // `rest_at_most`: bytes of the text without the data.
  binary_data(form f, std::size_t rest_at_most) : form_(f), rest_at_most_(rest_at_most) {}

  // Appends what the data holds so far to `bytes`. Errors: data that is not Base64, a rest that is too long. Whether the rest is a Binary is not looked at.
  base::result<void> put(std::string_view text, std::string& bytes);
  // The text without the data; after the last piece.
  base::result<std::string> finish();

private:
  enum class place : std::uint8_t { text, tag, name, inside, value, data, comment, instruction, end_tag };
  base::result<void> json(char c, std::string& bytes);
  base::result<void> xml(char c, std::string& bytes);
  base::result<void> digit(char c, std::string& bytes);
  base::result<void> end_of_data();

  form form_;
  std::size_t rest_at_most_;
  std::string rest_;
  // Base64
  std::uint32_t group_ = 0;
  int in_group_ = 0, padding_ = 0;
  // Both: how deep we are; the last key, or the name of the tag.
  int depth_ = 0;
  std::string word_;
  // JSON
  bool in_string_ = false, escaped_ = false, in_data_ = false, key_follows_ = false, is_key_ = false, value_follows_ = false,
       found_ = false;
  // XML
  place place_ = place::text;
  char quote_ = 0, last_ = 0, before_last_ = 0;
  std::size_t tag_at_ = 0;
  std::string attribute_;
  bool taken_ = false;  // this tag's value was the data
};

}  // namespace dsf::actors
