#include <fmt/format.h>

#include <algorithm>
#include <pugixml.hpp>

#include "fhir/codec/json.hpp"
#include "fhir/codec/primitive.hpp"
#include "fhir/codec/xml.hpp"
#include "fhir/codec/xml_scan.hpp"
#include "fhir/model/model.hpp"

namespace dsf::fhir {
namespace {

using base::json;

constexpr std::string_view fhir_namespace = "http://hl7.org/fhir";
constexpr std::string_view xhtml_namespace = "http://www.w3.org/1999/xhtml";
constexpr std::string_view schema_instance = "http://www.w3.org/2001/XMLSchema-instance";
constexpr std::size_t max_attributes = 32;
constexpr std::size_t max_namespaces = 64;  // in scope at once; they are searched one by one

struct split_name {
  std::string_view prefix;
  std::string_view local;
};
split_name split(std::string_view name) {
  const auto colon = name.find(':');
  if (colon == std::string_view::npos) return {{}, name};
  return {name.substr(0, colon), name.substr(colon + 1)};
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

// The occurrences of one element within its parent.
struct occurrences {
  const element_info* element;
  json::array values;    // null: only id or extensions
  json::array siblings;  // null: neither id nor extensions
};

// The JSON form of a value attribute. What does not fit stays a string, and the check says why.
json primitive_json(const type_info& type, std::string_view text) {
  switch (json_form_of(type.primitive)) {
    case json_form::boolean:
      if (text == "true") return json(true);
      if (text == "false") return json(false);
      break;
    case json_form::number:
      if (type.primitive != primitive::decimal && text.size() > 1 && text.front() == '+') text.remove_prefix(1);  // JSON has no '+'
      if (lexical_fault(primitive::decimal, text).empty()) return json(json::number{std::string(text)});
      break;
    case json_form::string: break;
  }
  return json(text);
}

class xml_reader {
public:
  xml_reader(std::string_view text, const codec_limits& limits) : text_(text), limits_(limits) {}

  json read(pugi::xml_node root) { return resource(root); }
  std::vector<issue>& issues() { return issues_; }

private:
  // Declarations of one element, gone when it ends.
  class scope {
  public:
    scope(xml_reader& r, pugi::xml_node node) : reader_(r), before_(r.namespaces_.size()) {
      for (const auto a : node.attributes()) {
        const std::string_view name = a.name();
        if (!name.starts_with("xmlns")) continue;
        if (r.namespaces_.size() >= max_namespaces) {
          r.add(node, fmt::format("more than {} namespace declarations are in force", max_namespaces));
          return;
        }
        if (name == "xmlns") r.namespaces_.emplace_back("", a.value());
        if (name.starts_with("xmlns:")) r.namespaces_.emplace_back(name.substr(6), a.value());
      }
    }
    ~scope() { reader_.namespaces_.resize(before_); }
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;

  private:
    xml_reader& reader_;
    std::size_t before_;
  };

  [[nodiscard]] std::string_view uri_of(std::string_view prefix) const {
    for (auto it = namespaces_.rbegin(); it != namespaces_.rend(); ++it)
      if (it->first == prefix) return it->second;
    return {};
  }

  void add(pugi::xml_node node, std::string text) {
    if (issues_.size() >= limits_.issues) return;
    const auto line = line_of(text_, static_cast<std::size_t>(std::max<std::ptrdiff_t>(node.offset_debug(), 0)));
    issues_.push_back({"error", "structure", path(node), fmt::format("{} (line {})", text, line)});
  }

  // "Task.input.type": the names from the root; a nested resource's own name is left out, as in FHIRPath.
  static std::string path(pugi::xml_node node) {
    std::vector<std::string_view> names;
    for (; node && node.type() == pugi::node_element; node = node.parent()) {
      const auto local = split(node.name()).local;
      const bool nested_resource = is_resource(local) && node.parent().type() == pugi::node_element;
      if (!nested_resource) names.push_back(local);
    }
    std::string out;
    for (auto it = names.rbegin(); it != names.rend(); ++it) out += fmt::format("{}{}", out.empty() ? "" : ".", *it);
    return out;
  }

  json resource(pugi::xml_node node) {
    const scope s(*this, node);
    const auto name = split(node.name());
    if (uri_of(name.prefix) != fhir_namespace)
      return add(node, fmt::format("<{}> is not in the namespace {}", node.name(), fhir_namespace)), json{};
    const auto* type = find_type(name.local);
    if (!type || type->kind != type_kind::resource || type->abstract)
      return add(node, fmt::format("'{}' is not an R4 resource type", name.local)), json{};
    json::object out;
    out.emplace_back("resourceType", type->name);
    members(node, *type, false, out);
    return json(std::move(out));
  }

  // The recursion members -> occurrence -> members is bounded by scan_xml()'s depth limit.
  void members(pugi::xml_node node, const type_info& type, bool with_value, json::object& out) {
    attributes(node, type, with_value, out);
    std::vector<occurrences> found;
    for (const auto child : node.children()) {
      if (issues_.size() >= limits_.issues) return;
      if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
        if (!is_blank(child.value()))
          add(node, fmt::format("text is not allowed in <{}>; values stand in the attribute 'value'", node.name()));
      } else if (child.type() == pugi::node_element) {
        occurrence(child, type, found);
      }
    }
    std::ranges::sort(found, {}, &occurrences::element);  // elements of a type lie in definition order
    for (auto& o : found) append(o, out);
  }

  void attributes(pugi::xml_node node, const type_info& type, bool with_value, json::object& out) {
    const auto all = node.attributes();
    if (static_cast<std::size_t>(std::distance(all.begin(), all.end())) > max_attributes)
      return add(node, fmt::format("<{}> has more than {} attributes", node.name(), max_attributes));
    for (const auto a : all) {
      const std::string_view name = a.name();
      for (auto other = node.first_attribute(); other != a; other = other.next_attribute())
        if (name == other.name()) return add(node, fmt::format("<{}> has the attribute '{}' twice", node.name(), name));
      if (name == "xmlns" || name.starts_with("xmlns:") || (with_value && name == "value")) continue;
      const auto parts = split(name);
      if (!parts.prefix.empty() && parts.local == "schemaLocation" && uri_of(parts.prefix) == schema_instance) continue;
      const auto* element = find_element(type, name);
      if (!element || element->xml != xml_form::attribute)
        add(node, fmt::format("<{}> has the unknown attribute '{}'", node.name(), name));
      else
        out.emplace_back(element->name, a.value());
    }
  }

  void occurrence(pugi::xml_node child, const type_info& type, std::vector<occurrences>& found) {
    const scope s(*this, child);
    const auto name = split(child.name());
    const auto uri = uri_of(name.prefix);
    const auto* element = find_element(type, name.local);
    if (!element || element->xml == xml_form::attribute) return add(child, fmt::format("{} has no element '{}'", type.name, name.local));
    const auto wanted = element->xml == xml_form::xhtml ? xhtml_namespace : fhir_namespace;
    if (uri != wanted) return add(child, fmt::format("<{}> must be in the namespace {}, not '{}'", child.name(), wanted, uri));

    auto it = std::ranges::find(found, element, &occurrences::element);
    if (it == found.end())
      it = found.insert(found.end(), occurrences{element, {}, {}});
    else if (!element->array)
      return add(child, fmt::format("'{}' may occur only once in {}", name.local, type.name));
    it->values.emplace_back();
    it->siblings.emplace_back();
    auto& value = it->values.back();
    if (element->xml == xml_form::xhtml)
      value = json(xhtml(child));
    else if (element->type->kind == type_kind::primitive)
      primitive_element(child, *element->type, value, it->siblings.back());
    else if (element->type->kind == type_kind::resource)
      value = inner_resource(child);
    else {
      json::object object;
      members(child, *element->type, false, object);
      value = json(std::move(object));
    }
  }

  void primitive_element(pugi::xml_node node, const type_info& type, json& value, json& sibling) {
    static const type_info& element_type = *find_type("Element");
    const auto attribute = node.attribute("value");
    if (attribute) value = primitive_json(type, attribute.value());
    json::object object;
    members(node, element_type, true, object);
    if (!object.empty()) sibling = json(std::move(object));
    if (!attribute && sibling.is_null()) add(node, fmt::format("<{}> has neither a value nor extensions", node.name()));
  }

  json inner_resource(pugi::xml_node node) {
    pugi::xml_node inner;
    for (const auto a : node.attributes())
      if (!std::string_view(a.name()).starts_with("xmlns"))
        return add(node, fmt::format("<{}> has the unknown attribute '{}'", node.name(), a.name())), json{};
    for (const auto child : node.children()) {
      const bool element = child.type() == pugi::node_element;
      if (element && inner) return add(child, fmt::format("<{}> holds one resource, not two", node.name())), json{};
      if (element) inner = child;
      if (!element && child.type() != pugi::node_comment && !is_blank(child.value()))
        return add(node, fmt::format("text is not allowed in <{}>", node.name())), json{};
    }
    if (!inner) return add(node, fmt::format("<{}> holds no resource", node.name())), json{};
    return resource(inner);
  }

  // The source text itself, if it stands on its own; otherwise the same tree with its namespace declared.
  std::string xhtml(pugi::xml_node div) {
    if (split(div.name()).prefix.empty() && div.attribute("xmlns")) {
      const auto start = static_cast<std::size_t>(div.offset_debug()) - 1;
      return std::string(text_.substr(start, element_end(text_, start) - start));
    }
    struct unprefix : pugi::xml_tree_walker {
      bool for_each(pugi::xml_node& node) override {
        if (node.type() == pugi::node_element) node.set_name(std::string(split(node.name()).local).c_str());
        return true;
      }
    } walker;
    struct writer : pugi::xml_writer {
      std::string out;
      void write(const void* data, std::size_t size) override { out.append(static_cast<const char*>(data), size); }
    } out;
    pugi::xml_document copy;
    auto root = copy.append_copy(div);
    const std::string prefix(split(div.name()).prefix);
    copy.traverse(walker);
    if (!prefix.empty()) root.remove_attribute(("xmlns:" + prefix).c_str());
    root.remove_attribute("xmlns");
    root.prepend_attribute("xmlns").set_value(std::string(xhtml_namespace).c_str());
    root.print(out, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
    return std::move(out.out);
  }

  static void append(occurrences& o, json::object& out) {
    const auto is_null = [](const json& j) { return j.is_null(); };
    const bool any_value = !std::ranges::all_of(o.values, is_null);
    const bool any_sibling = !std::ranges::all_of(o.siblings, is_null);
    const bool array = o.element->array;
    if (any_value) out.emplace_back(o.element->name, array ? json(std::move(o.values)) : std::move(o.values.front()));
    if (any_sibling)
      out.emplace_back("_" + std::string(o.element->name), array ? json(std::move(o.siblings)) : std::move(o.siblings.front()));
  }

  std::string_view text_;
  const codec_limits& limits_;
  std::vector<std::pair<std::string_view, std::string_view>> namespaces_{{"xml", "http://www.w3.org/XML/1998/namespace"}};
  std::vector<issue> issues_;
};

reading fatal(errc code, std::string_view issue_code, std::string text) {
  reading out;
  out.code = code;
  out.issues.push_back({"fatal", std::string(issue_code), {}, std::move(text)});
  return out;
}

}  // namespace

reading read_xml(std::string_view text, const codec_limits& limits) {
  if (text.size() > limits.bytes)
    return fatal(errc::limit, "too-long", fmt::format("the resource has {} bytes; at most {} are accepted", text.size(), limits.bytes));
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const auto fault = scan_xml(text, {.depth = limits.depth, .elements = limits.xml_elements})) {
    auto sentence = fmt::format("not valid XML: {} (line {})", fault->text, line_of(text, fault->at));
    return fatal(fault->limit ? errc::limit : errc::not_xml, fault->limit ? "too-costly" : "structure", std::move(sentence));
  }
  pugi::xml_document document;
  const auto parsed = document.load_buffer(text.data(), text.size(), pugi::parse_default | pugi::parse_ws_pcdata, pugi::encoding_utf8);
  if (!parsed) {
    const auto at = static_cast<std::size_t>(std::max<std::ptrdiff_t>(parsed.offset, 0));
    return fatal(errc::not_xml, "structure", fmt::format("not valid XML: {} (line {})", parsed.description(), line_of(text, at)));
  }
  xml_reader reader(text, limits);
  reading out;
  out.resource = reader.read(document.document_element());
  out.issues = std::move(reader.issues());
  if (out.issues.empty()) out.issues = check(out.resource, limits);
  return out;
}

}  // namespace dsf::fhir
