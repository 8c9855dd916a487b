#include "web/texts.hpp"

#include <array>
#include <cstdlib>
#include <string>

namespace dsf::web {
namespace {

constexpr word_row rows[] = {
#define DSF_WEB_WORD(name, en, de) {#name, en, de},
#include "web/words.inc"
#undef DSF_WEB_WORD
};

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

}  // namespace

std::string_view say(language l, word w) {
  const auto& row = rows[static_cast<std::size_t>(w)];
  return l == language::de ? row.de : row.en;
}

std::span<const word_row> all_words() { return rows; }

std::string_view tag_of(language l) { return l == language::de ? "de" : "en"; }

bool parse_language(std::string_view text, language& out) {
  if (text != "de" && text != "en") return false;
  out = text == "de" ? language::de : language::en;
  return true;
}

language language_of(std::string_view accept) {
  auto best = language::en;
  double best_weight = 0;
  while (!accept.empty()) {
    const auto comma = accept.find(',');
    const auto item = accept.substr(0, comma);
    accept = comma == accept.npos ? std::string_view() : accept.substr(comma + 1);
    const auto semicolon = item.find(';');
    const auto range = trimmed(item.substr(0, semicolon));
    double weight = 1;
    if (semicolon != item.npos) {
      const auto parameter = trimmed(item.substr(semicolon + 1));
      if (parameter.starts_with("q=")) weight = std::strtod(std::string(parameter.substr(2)).c_str(), nullptr);
    }
    language l{};
    if (parse_language(range.substr(0, range.find('-')), l) && weight > best_weight) {
      best = l;
      best_weight = weight;
    }
  }
  return best;
}

}  // namespace dsf::web
