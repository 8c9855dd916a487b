// The closed set of values a process variable can hold (docs/design.md, "Ids, values, handlers"). They are stored for ever: add, never
// change.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace dsf::bpmn {

class value;
using value_list = std::vector<value>;
using value_map = std::vector<std::pair<std::string, value>>;  // in insertion order, names unique
using string_list = std::vector<std::string>;

struct decimal {
  std::string text;
  bool operator==(const decimal&) const = default;
};
struct bytes {
  std::string data;
  bool operator==(const bytes&) const = default;
};
// DSF's Target: where a message goes (dsf-bpe 4.3).
struct target {
  std::string organization_identifier;
  std::string endpoint_identifier;
  std::string endpoint_url;
  std::string correlation_key;  // empty: none
  bool operator==(const target&) const = default;
};
struct targets {
  std::vector<target> entries;
  bool operator==(const targets&) const = default;
};
struct fhir_resource {
  std::string type;
  std::string json;
  bool operator==(const fhir_resource&) const = default;
};
struct fhir_resource_list {
  std::vector<fhir_resource> entries;
  bool operator==(const fhir_resource_list&) const = default;
};
// A stored version; its content is read from the store when needed.
struct fhir_reference {
  std::string type;
  std::string id;
  std::uint64_t version = 0;
  bool operator==(const fhir_reference&) const = default;
};
// Variables.setJsonVariable: a class name and its JSON text.
struct json_object {
  std::string class_name;
  std::string json;
  bool operator==(const json_object&) const = default;
};
// Bytes that only the worker that made them understands.
struct opaque_object {
  std::string class_name;
  std::string data;
  std::string owner;
  bool operator==(const opaque_object&) const = default;
};
struct plugin_typed {
  std::string serializer;
  std::string text;
  std::int64_t number = 0;
  std::string data;
  bool operator==(const plugin_typed&) const = default;
};
struct blob_reference {
  std::string id;
  std::uint64_t size = 0;
  std::string sha256;
  bool operator==(const blob_reference&) const = default;
};

class value {
public:
  // The order is the stored tag; append only.
  using storage = std::variant<std::monostate, bool, std::int16_t, std::int32_t, std::int64_t, double, decimal, std::string,
                               base::timestamp, bytes, value_list, value_map, string_list, target, targets, fhir_resource,
                               fhir_resource_list, fhir_reference, json_object, opaque_object, plugin_typed, blob_reference>;

  value() = default;
  template <class T>
    requires(!std::is_same_v<std::remove_cvref_t<T>, value> && std::is_constructible_v<storage, T &&>)
  value(T&& v) : storage_(std::forward<T>(v)) {}
  value(const char* text) : storage_(std::string(text)) {}
  value(std::string_view text) : storage_(std::string(text)) {}

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(storage_); }
  template <class T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&storage_);
  }
  template <class T>
  [[nodiscard]] T* as() {
    return std::get_if<T>(&storage_);
  }
  [[nodiscard]] const storage& raw() const { return storage_; }
  [[nodiscard]] std::size_t tag() const { return storage_.index(); }
  bool operator==(const value&) const;

private:
  storage storage_;
};

// "null", "boolean", "string", "targets", ...: the names that dsfctl prints.
std::string_view type_name(const value& v);
// For people and for --json output; never parsed back. Long texts are shortened to `limit` bytes.
base::json to_display(const value& v, std::size_t limit = 4096);

}  // namespace dsf::bpmn
