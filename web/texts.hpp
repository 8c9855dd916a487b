// Every word that pages show, in each language. What stands in resources is shown as it is.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace dsf::web {

enum class language : unsigned char { en, de };

enum class word : std::uint8_t {
#define DSF_WEB_WORD(name, en, de) name,
#include "web/words.inc"
#undef DSF_WEB_WORD
};

std::string_view say(language l, word w);

struct word_row {
  std::string_view name, en, de;
};
std::span<const word_row> all_words();

// "de", "en"
std::string_view tag_of(language l);
// The first of an Accept-Language list, by its weights, that there are words in (RFC 9110 12.5.4); else English.
language language_of(std::string_view accept_language);
// Of "de" or "en"; false for others.
bool parse_language(std::string_view text, language& out);

}  // namespace dsf::web
