#include "web/html.hpp"

#include <algorithm>
#include <array>

#include "base/mutant.hpp"

namespace dsf::web {
namespace {

constexpr std::array<std::string_view, 6> without_end = {"br", "hr", "img", "input", "link", "meta"};
constexpr std::array<std::string_view, 4> addresses = {"href", "src", "action", "formaction"};

// HTML, 13.3: the same for texts and quoted attributes. Characters that XML can't hold and HTML does not want become U+FFFD.
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\r')
          out += "\xef\xbf\xbd";
        else
          out += c;
    }
}

}  // namespace

bool is_safe_address(std::string_view address) {
  // Browsers skip blanks and control characters where they look for a scheme.
  if (std::ranges::any_of(address, [](char c) { return static_cast<unsigned char>(c) <= 0x20; })) return false;
  // "//host" leaves the site, and so does "/\host".
  if (address.starts_with("//") || address.find('\\') != address.npos) return false;
  const auto end = address.find_first_of(":/?#");
  if (end == address.npos || address[end] != ':') return true;
  std::string scheme(address.substr(0, end));
  for (auto& c : scheme)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return scheme == "http" || scheme == "https";
}

html::html(std::string_view text) {
  if (DSF_MUTANT("web.text_not_escaped")) {
    bytes_ = text;
    return;
  }
  bytes_.reserve(text.size());
  append_escaped(bytes_, text);
}

std::string html::document() const { return "<!DOCTYPE html>\n" + bytes_ + "\n"; }

html element(literal name, const attributes& with, const html& content) {
  html out;
  auto& b = out.bytes_;
  b += '<';
  b += name;
  for (const auto& a : with) {
    if (!a.present) continue;
    b += ' ';
    b += a.name;
    if (!a.has_value) continue;
    const bool leads_away = std::ranges::find(addresses, std::string_view(a.name)) != addresses.end() && !is_safe_address(a.value) &&
                            !DSF_MUTANT("web.any_address_linked");
    b += "=\"";
    append_escaped(b, leads_away ? std::string_view("#") : std::string_view(a.value));
    b += '"';
  }
  b += '>';
  if (std::ranges::find(without_end, std::string_view(name)) != without_end.end()) return out;
  b += content.bytes_;
  b += "</";
  b += name;
  b += '>';
  return out;
}

}  // namespace dsf::web
