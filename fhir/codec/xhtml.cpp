#include "fhir/codec/xhtml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <pugixml.hpp>

#include "fhir/codec/xml_scan.hpp"

namespace dsf::fhir {
namespace {

constexpr std::string_view xhtml_namespace = "http://www.w3.org/1999/xhtml";
constexpr std::size_t max_depth = 100;
constexpr std::size_t max_attributes = 32;

// R4 narrative.html (txt-1): formatting, tables, lists, links and images of HTML 4; no scripts, forms, frames or objects.
constexpr std::array<std::string_view, 53> allowed{
    "a",        "abbr", "acronym", "address", "area",  "b",  "bdo",   "big", "blockquote", "br",  "caption", "cite", "code",  "col",
    "colgroup", "dd",   "del",     "dfn",     "div",   "dl", "dt",    "em",  "h1",         "h2",  "h3",      "h4",   "h5",    "h6",
    "hr",       "i",    "img",     "ins",     "kbd",   "li", "map",   "ol",  "p",          "pre", "q",       "samp", "small", "span",
    "strong",   "sub",  "sup",     "table",   "tbody", "td", "tfoot", "th",  "thead",      "tr",  "tt"};
constexpr std::array<std::string_view, 2> allowed_too{"ul", "var"};
static_assert(std::ranges::is_sorted(allowed));

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (static_cast<unsigned char>(c) > 0x20) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::string attribute_fault(const pugi::xml_node& node, const pugi::xml_attribute& attribute) {
  const std::string_view name = attribute.name();
  for (auto other = node.first_attribute(); other != attribute; other = other.next_attribute())
    if (name == other.name()) return fmt::format("has the attribute '{}' twice in <{}>", name, node.name());
  if (lower(name).starts_with("on")) return fmt::format("has the event attribute '{}', which is not allowed", name);
  if (name.starts_with("xmlns") && name != "xmlns") return fmt::format("declares a namespace prefix ({}), which is not allowed", name);
  if (name == "xmlns" && attribute.value() != xhtml_namespace)
    return fmt::format("has an element of the namespace '{}'; only {} is allowed", attribute.value(), xhtml_namespace);
  if (name == "href" || name == "src") {
    const auto target = lower(attribute.value());
    if (target.starts_with("javascript:") || target.starts_with("vbscript:") ||
        (target.starts_with("data:") && !target.starts_with("data:image/")))
      return fmt::format("has active content in the attribute '{}'", name);
  }
  return {};
}

// pugixml's traversal is a loop, not a recursion.
struct walker : pugi::xml_tree_walker {
  std::string fault;
  bool for_each(pugi::xml_node& node) override {
    if (node.type() != pugi::node_element) return true;
    const std::string_view name = node.name();
    if (!std::ranges::binary_search(allowed, name) && std::ranges::find(allowed_too, name) == allowed_too.end()) {
      fault = fmt::format("has the element <{}>, which is not allowed", name);
      return false;
    }
    std::size_t count = 0;
    for (const auto attribute : node.attributes()) {
      if (++count > max_attributes) {
        fault = fmt::format("has more than {} attributes in <{}>", max_attributes, name);
        return false;
      }
      fault = attribute_fault(node, attribute);
      if (!fault.empty()) return false;
    }
    return true;
  }
};

}  // namespace

std::string xhtml_fault(std::string_view text) {
  if (const auto fault = scan_xml(text, {.depth = max_depth}))
    return fmt::format("is not well-formed XHTML: {} (byte {})", fault->text, fault->at);
  pugi::xml_document document;
  const auto parsed = document.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed) return fmt::format("is not well-formed XHTML: {} (byte {})", parsed.description(), parsed.offset);
  const auto root = document.document_element();
  if (std::string_view(root.name()) != "div") return fmt::format("must be a <div>, not <{}>", root.name());
  if (!root.attribute("xmlns")) return fmt::format("must declare xmlns=\"{}\" on its <div>", xhtml_namespace);
  walker w;
  document.traverse(w);
  return std::move(w.fault);
}

}  // namespace dsf::fhir
