#include "bpmn/value.hpp"

#include <array>
#include <cmath>

namespace dsf::bpmn {
namespace {

constexpr std::array<std::string_view, 22> names{"null",
                                                 "boolean",
                                                 "short",
                                                 "integer",
                                                 "long",
                                                 "double",
                                                 "decimal",
                                                 "string",
                                                 "date-time",
                                                 "bytes",
                                                 "list",
                                                 "map",
                                                 "string-list",
                                                 "target",
                                                 "targets",
                                                 "fhir-resource",
                                                 "fhir-resource-list",
                                                 "fhir-reference",
                                                 "json",
                                                 "opaque",
                                                 "plugin-typed",
                                                 "blob"};
static_assert(names.size() == std::variant_size_v<value::storage>);

constexpr int max_display_depth = 20;
constexpr std::size_t max_display_elements = 100;

base::json shortened(const std::string& text, std::size_t limit) {
  if (text.size() <= limit) return text;
  auto end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a character
  return text.substr(0, end) + "... (" + std::to_string(text.size()) + " bytes)";
}

base::json target_display(const target& t) {
  base::json out;
  out.set("organization", t.organization_identifier);
  out.set("endpoint", t.endpoint_identifier);
  out.set("url", t.endpoint_url);
  if (!t.correlation_key.empty()) out.set("correlationKey", t.correlation_key);
  return out;
}

struct display {
  std::size_t limit;
  int depth;

  template <class List, class Show>
  base::json list(const List& entries, Show show) const {
    base::json::array out;
    for (const auto& entry : entries) {
      if (out.size() == max_display_elements) {
        out.emplace_back("... (" + std::to_string(entries.size()) + " elements)");
        break;
      }
      out.push_back(show(entry));
    }
    return out;
  }
  base::json nested(const value& v) const {
    if (depth >= max_display_depth) return "...";
    return std::visit(display{limit, depth + 1}, v.raw());
  }

  base::json operator()(std::monostate) const { return {}; }
  base::json operator()(bool v) const { return v; }
  base::json operator()(std::int16_t v) const { return std::int64_t{v}; }
  base::json operator()(std::int32_t v) const { return std::int64_t{v}; }
  base::json operator()(std::int64_t v) const { return v; }
  base::json operator()(double v) const {
    if (!std::isfinite(v)) return std::isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity";
    return v;
  }
  base::json operator()(const decimal& v) const { return shortened(v.text, limit); }
  base::json operator()(const std::string& v) const { return shortened(v, limit); }
  base::json operator()(base::timestamp v) const { return base::to_iso(v, 6); }
  base::json operator()(const bytes& v) const { return "(" + std::to_string(v.data.size()) + " bytes)"; }
  base::json operator()(const value_list& v) const {
    return list(v, [this](const value& e) { return nested(e); });
  }
  base::json operator()(const value_map& v) const {
    base::json out(base::json::object{});
    for (const auto& [name, member] : v) {
      if (out.size() == max_display_elements) {
        out.set("...", std::to_string(v.size()) + " entries");
        break;
      }
      out.set(name, nested(member));
    }
    return out;
  }
  base::json operator()(const string_list& v) const {
    return list(v, [this](const std::string& e) { return shortened(e, limit); });
  }
  base::json operator()(const target& v) const { return target_display(v); }
  base::json operator()(const targets& v) const { return list(v.entries, target_display); }
  base::json operator()(const fhir_resource& v) const {
    base::json out;
    out.set("type", v.type);
    out.set("json", shortened(v.json, limit));
    return out;
  }
  base::json operator()(const fhir_resource_list& v) const {
    return list(v.entries, [this](const fhir_resource& e) { return (*this)(e); });
  }
  base::json operator()(const fhir_reference& v) const { return v.type + "/" + v.id + "/_history/" + std::to_string(v.version); }
  base::json operator()(const json_object& v) const {
    base::json out;
    out.set("class", v.class_name);
    out.set("json", shortened(v.json, limit));
    return out;
  }
  base::json operator()(const opaque_object& v) const {
    base::json out;
    out.set("class", v.class_name);
    out.set("bytes", std::uint64_t{v.data.size()});
    out.set("owner", v.owner);
    return out;
  }
  base::json operator()(const plugin_typed& v) const {
    base::json out;
    out.set("serializer", v.serializer);
    out.set("text", shortened(v.text, limit));
    out.set("number", v.number);
    out.set("bytes", std::uint64_t{v.data.size()});
    return out;
  }
  base::json operator()(const blob_reference& v) const {
    base::json out;
    out.set("blob", v.id);
    out.set("bytes", v.size);
    out.set("sha256", v.sha256);
    return out;
  }
};

}  // namespace

// NaN equals NaN here: replaying an instance's events has to give an equal state.
bool value::operator==(const value& other) const {
  const auto* a = as<double>();
  const auto* b = other.as<double>();
  if (a != nullptr && b != nullptr && std::isnan(*a) && std::isnan(*b)) return true;
  return storage_ == other.storage_;
}

std::string_view type_name(const value& v) { return names[v.tag()]; }

base::json to_display(const value& v, std::size_t limit) { return std::visit(display{limit, 0}, v.raw()); }

}  // namespace dsf::bpmn
