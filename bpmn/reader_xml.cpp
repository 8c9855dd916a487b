#include "bpmn/reader_xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace dsf::bpmn {
namespace {

constexpr std::size_t max_xml_depth = 200;
constexpr std::size_t max_attributes = 100;
constexpr std::size_t max_declarations = 200;
constexpr std::string_view white = " \t\r\n";

xml_space space_of_uri(std::string_view uri) {
  if (uri == "http://www.omg.org/spec/BPMN/20100524/MODEL") return xml_space::bpmn;
  if (uri == "http://camunda.org/schema/1.0/bpmn" || uri == "http://operaton.org/schema/1.0/bpmn") return xml_space::extension;
  return xml_space::foreign;
}

std::pair<std::string_view, std::string_view> split_name(std::string_view name) {
  const auto colon = name.find(':');
  if (colon == std::string_view::npos) return {{}, name};
  return {name.substr(0, colon), name.substr(colon + 1)};
}

// Offset of the first byte that is not part of well-formed UTF-8, or npos.
std::size_t invalid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : 9;
    if (more == 9 || i + more >= text.size()) return i;
    for (std::size_t k = 1; k <= more; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return i;
    }
    const auto second = more > 0 ? static_cast<unsigned char>(text[i + 1]) : 0;
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second >= 0xa0) || (c == 0xf0 && second < 0x90) || (c == 0xf4 && second >= 0x90))
      return i;
    i += more + 1;
  }
  return std::string_view::npos;
}

bool is_reference(std::string_view name) {
  if (name.size() > 1 && name[0] == '#') {
    const bool hex = name[1] == 'x';
    const auto digits = name.substr(hex ? 2 : 1);
    return !digits.empty() && digits.size() <= 8 &&
           digits.find_first_not_of(hex ? "0123456789abcdefABCDEF" : "0123456789") == std::string_view::npos;
  }
  return name == "lt" || name == "gt" || name == "amp" || name == "quot" || name == "apos";
}

// Offset of a reference to an entity that XML does not predefine, or of a bare '&'; npos when there is none. pugixml leaves both as text.
std::size_t foreign_entity(std::string_view text) {
  for (std::size_t i = text.find_first_of("<&"); i != std::string_view::npos; i = text.find_first_of("<&", i)) {
    const auto rest = text.substr(i);
    const auto skip_to = [&](std::string_view end) {
      const auto at = text.find(end, i);
      i = at == std::string_view::npos ? text.size() : at + end.size();
    };
    if (rest.starts_with("<!--")) {
      skip_to("-->");
    } else if (rest.starts_with("<![CDATA[")) {
      skip_to("]]>");
    } else if (rest.starts_with("<?")) {
      skip_to("?>");
    } else if (rest[0] == '&') {
      const auto semicolon = rest.find(';');
      if (semicolon == std::string_view::npos || !is_reference(rest.substr(1, semicolon - 1))) return i;
      i += semicolon;
    } else {
      ++i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::string_view trim(std::string_view text) {
  const auto from = text.find_first_not_of(white);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(white) - from + 1);
}

base::result<std::unique_ptr<const xml_file>> xml_file::load(std::string_view text, std::string_view name, const read_options& options) {
  auto file = std::make_unique<xml_file>();
  file->name_ = std::string(name);
  if (text.size() > options.max_bytes)
    return base::fail(errc::limit, fmt::format("the file has {} bytes; at most {} are allowed", text.size(), options.max_bytes),
                      file->name_);
  file->line_starts_.push_back(0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') file->line_starts_.push_back(i + 1);
  }
  const auto at_offset = [&](std::size_t offset, std::string what) {
    const auto line = std::ranges::upper_bound(file->line_starts_, offset) - file->line_starts_.begin();
    return base::fail(errc::not_xml, std::move(what), fmt::format("{}: line {}", name, line));
  };
  if (const auto at = invalid_utf8(text); at != std::string_view::npos)
    return at_offset(at, "the file is not valid UTF-8; save it as UTF-8");
  if (const auto at = text.find('\0'); at != std::string_view::npos) return at_offset(at, "the file contains a NUL character");
  const auto parsed = file->document_.load_buffer(text.data(), text.size(),
                                                  pugi::parse_default | pugi::parse_doctype | pugi::parse_declaration, pugi::encoding_utf8);
  if (!parsed)
    return at_offset(static_cast<std::size_t>(std::max<std::ptrdiff_t>(parsed.offset, 0)),
                     fmt::format("the file is not well-formed XML: {}", parsed.description()));
  std::size_t roots = 0;
  for (const auto n : file->document_.children()) {
    if (n.type() == pugi::node_doctype)
      return base::fail(errc::not_xml, "a document type declaration (DTD) is not accepted; remove <!DOCTYPE ...>", file->name_);
    if (n.type() == pugi::node_element) ++roots;
    const std::string_view encoding = n.type() == pugi::node_declaration ? n.attribute("encoding").value() : "";
    if (!encoding.empty() && ::strcasecmp(encoding.data(), "UTF-8") != 0 && ::strcasecmp(encoding.data(), "US-ASCII") != 0)
      return base::fail(errc::not_xml, fmt::format("encoding {} is not accepted; save the file as UTF-8", encoding), file->name_);
  }
  if (roots != 1) return base::fail(errc::not_xml, fmt::format("one root element is expected, {} found", roots), file->name_);
  if (const auto at = foreign_entity(text); at != std::string_view::npos)
    return at_offset(at, "'&' does not begin one of the predefined entities (write &amp; for the character itself)");
  TRY(file->check_tree());
  return file;
}

base::failure xml_file::fault(pugi::xml_node at, std::string text) const {
  return base::fail(errc::not_xml, std::move(text), fmt::format("{}: line {}", name_, line_of(at)));
}

base::result<> xml_file::check_attributes(pugi::xml_node n) {
  std::size_t count = 0;
  for (const auto a : n.attributes()) {
    if (++count > max_attributes) return fault(n, fmt::format("an element has more than {} attributes", max_attributes));
    for (auto earlier = n.first_attribute(); earlier != a; earlier = earlier.next_attribute()) {
      if (std::strcmp(earlier.name(), a.name()) == 0) return fault(n, fmt::format("attribute {} is given twice", a.name()));
    }
    const auto [prefix, local] = split_name(a.name());
    const bool is_default = prefix.empty() && local == "xmlns";
    if (!is_default && prefix != "xmlns") continue;
    if (++declaration_count_ > max_declarations) return fault(n, fmt::format("more than {} namespace declarations", max_declarations));
    declared_[n.internal_object()].emplace_back(is_default ? "" : std::string(local), space_of_uri(a.value()));
  }
  return {};
}

// Walks the tree without recursion.
base::result<> xml_file::check_tree() {
  std::size_t depth = 0;
  pugi::xml_node n = document_.document_element();
  const auto top = n;
  for (;;) {
    if (n.type() == pugi::node_element) TRY(check_attributes(n));
    if (n.first_child()) {
      if (++depth > max_xml_depth) return fault(n, fmt::format("elements are nested deeper than {} levels", max_xml_depth));
      n = n.first_child();
      continue;
    }
    while (n != top && !n.next_sibling()) {
      n = n.parent();
      --depth;
    }
    if (n == top) return {};
    n = n.next_sibling();
  }
}

element xml_file::root() const { return {*this, document_.document_element()}; }

int xml_file::line_of(pugi::xml_node n) const {
  const auto offset = n.offset_debug();
  if (offset < 0) return 0;
  return static_cast<int>(std::ranges::upper_bound(line_starts_, static_cast<std::size_t>(offset)) - line_starts_.begin());
}

xml_space xml_file::space_of(pugi::xml_node scope, std::string_view prefix, bool attribute) const {
  if (attribute && prefix.empty()) return xml_space::none;
  if (prefix == "xmlns") return xml_space::xmlns;
  if (prefix == "xml") return xml_space::foreign;
  for (; scope; scope = scope.parent()) {
    const auto it = declared_.find(scope.internal_object());
    if (it == declared_.end()) continue;
    for (const auto& [name, space] : it->second) {
      if (name == prefix) return space;
    }
  }
  return xml_space::foreign;
}

element::element(const xml_file& file, pugi::xml_node node) : file_(&file), node_(node) {
  const auto [prefix, local] = split_name(node.name());
  space_ = file.space_of(node, prefix, false);
  name_ = local;
}

std::string element::id() const { return node_.attribute("id").value(); }

std::vector<attribute> element::attributes() const {
  std::vector<attribute> out;
  for (const auto a : node_.attributes()) {
    const auto [prefix, local] = split_name(a.name());
    const auto space = prefix.empty() && local == "xmlns" ? xml_space::xmlns : file_->space_of(node_, prefix, true);
    out.push_back({space, local, a.value()});
  }
  return out;
}

std::optional<std::string_view> element::find(xml_space space, std::string_view name) const {
  if (space == xml_space::none) {
    const auto a = node_.attribute(std::string(name).c_str());
    return a ? std::optional<std::string_view>(a.value()) : std::nullopt;
  }
  for (const auto& a : attributes()) {
    if (a.space == space && a.name == name) return a.text;
  }
  return std::nullopt;
}

std::vector<element> element::children() const {
  std::vector<element> out;
  for (const auto n : node_.children()) {
    if (n.type() == pugi::node_element) out.emplace_back(*file_, n);
  }
  return out;
}

std::optional<element> element::child(std::string_view bpmn_name) const {
  for (const auto& c : children()) {
    if (c.is(bpmn_name)) return c;
  }
  return std::nullopt;
}
std::optional<element> element::extension_child(std::string_view name) const {
  for (const auto& c : children()) {
    if (c.is_extension(name)) return c;
  }
  return std::nullopt;
}

std::string element::text() const {
  std::string out;
  for (const auto n : node_.children()) {
    if (n.type() == pugi::node_pcdata || n.type() == pugi::node_cdata) out += n.value();
  }
  return out;
}
std::string element::trimmed_text() const { return std::string(trim(text())); }

std::string element::place() const {
  auto owner = node_;
  while (owner && !owner.attribute("id")) owner = owner.parent();
  const auto where = fmt::format("(line {})", line());
  if (!owner) return fmt::format("{}: <{}> {}", file_->name(), node_.name(), where);
  return fmt::format("{}: {} {}", file_->name(), owner.attribute("id").value(), where);
}

}  // namespace dsf::bpmn
