#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/codec/primitive.hpp"
#include "fhir/codec/xml.hpp"
#include "fhir/model/model.hpp"

namespace dsf::fhir {
namespace {

using base::json;

constexpr std::size_t max_depth = 100;

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += DSF_MUTANT("fhir.xml_not_escaped") ? "<" : "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      // A parser would make blanks of these (XML 1.0, 3.3.3).
      case '\t': out += "&#x9;"; break;
      case '\n': out += "&#xA;"; break;
      case '\r': out += "&#xD;"; break;
      default: out += c;
    }
  }
}

// A member and its `_name`, with their element.
struct pair_of_members {
  const element_info* element;
  const json* value = nullptr;
  const json* sibling = nullptr;
};

class xml_writer {
public:
  explicit xml_writer(bool pretty) : pretty_(pretty) {}

  base::result<> resource(const json& value, bool root) {
    const auto* members = value.if_object();
    const auto* type = find_type(value["resourceType"].str());
    if (!members || !type || type->kind != type_kind::resource || type->abstract)
      return base::fail(errc::invalid_resource, "not an R4 resource", place_);
    if (root) place_ = type->name;
    return complex(type->name, *type, *members, root ? R"( xmlns="http://hl7.org/fhir")" : "");
  }

  std::string out;

private:
  void line() {
    if (!pretty_ || out.empty()) return;
    out += '\n';
    out.append(depth_ * 2, ' ');
  }

  // The recursion complex -> element -> complex is bounded by max_depth.
  base::result<> complex(std::string_view name, const type_info& type, const json::object& members, std::string_view declarations) {
    if (depth_ >= max_depth) return base::fail(errc::limit, fmt::format("nested deeper than {} levels", max_depth), place_);
    std::vector<pair_of_members> sorted;
    TRY(sort(type, members, sorted));
    line();
    open(name, sorted, declarations);
    auto children = std::ranges::find_if(sorted, [](const auto& p) { return p.element->xml != xml_form::attribute; });
    if (children == sorted.end()) {
      out += "/>";
      return {};
    }
    out += '>';
    ++depth_;
    for (; children != sorted.end(); ++children)
      if (children->element->xml != xml_form::attribute) TRY(occurrences(*children));
    --depth_;
    line();
    close(name);
    return {};
  }

  base::result<> sort(const type_info& type, const json::object& members, std::vector<pair_of_members>& sorted) {
    sorted.reserve(members.size());
    for (const auto& [key, value] : members) {
      if (key == "resourceType" && type.kind == type_kind::resource) continue;
      const bool sibling = key.starts_with('_');
      const auto* element = find_element(type, sibling ? std::string_view(key).substr(1) : std::string_view(key));
      if (!element) return base::fail(errc::invalid_resource, fmt::format("{} has no element '{}'", type.name, key), place_);
      auto it = std::ranges::find(sorted, element, &pair_of_members::element);
      if (it == sorted.end()) it = sorted.insert(sorted.end(), {element});
      (sibling ? it->sibling : it->value) = &value;
    }
    std::ranges::sort(sorted, {}, &pair_of_members::element);  // elements of a type lie in definition order
    return {};
  }

  void open(std::string_view name, const std::vector<pair_of_members>& sorted, std::string_view declarations) {
    out += '<';
    out += name;
    out += declarations;
    for (const auto& p : sorted)
      if (p.element->xml == xml_form::attribute && p.value) attribute(p.element->name, p.value->str());
  }

  void attribute(std::string_view name, std::string_view value) {
    out += ' ';
    out += name;
    out += "=\"";
    append_escaped(out, value);
    out += '"';
  }

  void close(std::string_view name) {
    out += "</";
    out += name;
    out += '>';
  }

  base::result<> occurrences(const pair_of_members& p) {
    const auto* values = p.value ? p.value->if_array() : nullptr;
    const auto* siblings = p.sibling ? p.sibling->if_array() : nullptr;
    if (!values && !siblings) return occurrence(*p.element, p.value, p.sibling);
    const auto count = std::max(values ? values->size() : 0, siblings ? siblings->size() : 0);
    for (std::size_t i = 0; i < count; ++i) {
      const auto at = [&](const json::array* list) { return list && i < list->size() && !(*list)[i].is_null() ? &(*list)[i] : nullptr; };
      TRY(occurrence(*p.element, at(values), at(siblings)));
    }
    return {};
  }

  base::result<> occurrence(const element_info& element, const json* value, const json* sibling) {
    const auto length = place_.size();
    place_ += '.';
    place_ += element.name;
    TRY(element_of(element, value, sibling));
    place_.resize(length);
    return {};
  }

  base::result<> element_of(const element_info& element, const json* value, const json* sibling) {
    const auto& type = *element.type;
    if (element.xml == xml_form::xhtml) {
      line();
      if (value) out += value->str();
      return {};
    }
    if (type.kind == type_kind::primitive) return primitive_element(element, value, sibling);
    const auto* members = value ? value->if_object() : nullptr;
    if (!members) return base::fail(errc::invalid_resource, fmt::format("must be an object ({})", type.name), place_);
    if (type.kind != type_kind::resource) return complex(element.name, type, *members, {});
    if (depth_ >= max_depth) return base::fail(errc::limit, fmt::format("nested deeper than {} levels", max_depth), place_);
    line();
    out += fmt::format("<{}>", element.name);
    ++depth_;
    TRY(resource(*value, false));
    --depth_;
    line();
    close(element.name);
    return {};
  }

  base::result<> primitive_element(const element_info& element, const json* value, const json* sibling) {
    line();
    out += '<';
    out += element.name;
    if (sibling && sibling->find("id")) attribute("id", (*sibling)["id"].str());
    if (value) {
      if (const auto* s = value->if_string())
        attribute("value", *s);
      else if (const auto* n = value->if_number())
        attribute("value", n->text);
      else if (const auto* b = value->if_bool())
        attribute("value", *b ? "true" : "false");
      else
        return base::fail(errc::invalid_resource, fmt::format("must be a primitive value ({})", element.type->name), place_);
    }
    const auto* extensions = sibling ? sibling->find("extension") : nullptr;
    if (!extensions || extensions->size() == 0) {
      out += "/>";
      return {};
    }
    out += '>';
    static const element_info& extension = *find_element(*find_type("Element"), "extension");
    ++depth_;
    for (const auto& e : *extensions) TRY(occurrence(extension, &e, nullptr));
    --depth_;
    line();
    close(element.name);
    return {};
  }

  bool pretty_;
  std::size_t depth_ = 0;
  std::string place_;
};

}  // namespace

base::result<std::string> write_xml(const base::json& resource, bool pretty) {
  xml_writer writer(pretty);
  TRY(writer.resource(resource, true));
  return std::move(writer.out);
}

}  // namespace dsf::fhir
