// Characters of UTF-8 text; private to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dsf::fhir::path {

void append_utf8(std::string& out, char32_t c);
std::optional<int> hex_digit(char c);
// One view a character; bytes that are no UTF-8 count as a character each.
std::vector<std::string_view> characters(std::string_view text);
std::size_t character_count(std::string_view text);
// Bytes before the character number `index`; the text's size if there are fewer.
std::size_t byte_offset(std::string_view text, std::size_t index);
bool ascii(std::string_view text);

// Case mapping of Latin, Greek and Cyrillic letters, simple but for ß, which becomes SS.
std::string upper(std::string_view text);
std::string lower(std::string_view text);
// For `~`: without case, white space normalised. FHIRPath N1, 6.1.2
std::string folded(std::string_view text);

}  // namespace dsf::fhir::path
