// A JSON document as a value: members keep their order, numbers keep their digits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace dsf::base {

class json {
public:
  using array = std::vector<json>;
  using member = std::pair<std::string, json>;
  using object = std::vector<member>;  // in document order; no duplicate names
  struct number {
    std::string text;  // as written
    bool operator==(const number&) const = default;
  };

  json() = default;
  json(std::nullptr_t) {}
  json(bool v) : value_(v) {}
  json(int v) : value_(number{std::to_string(v)}) {}
  json(std::int64_t v) : value_(number{std::to_string(v)}) {}
  json(std::uint64_t v) : value_(number{std::to_string(v)}) {}
  json(double v);
  json(number v) : value_(std::move(v)) {}
  json(std::string v) : value_(std::move(v)) {}
  json(std::string_view v) : value_(std::string(v)) {}
  json(const char* v) : value_(std::string(v)) {}
  json(array v) : value_(std::move(v)) {}
  json(object v) : value_(std::move(v)) {}

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  [[nodiscard]] bool is_bool() const { return std::holds_alternative<bool>(value_); }
  [[nodiscard]] bool is_number() const { return std::holds_alternative<number>(value_); }
  [[nodiscard]] bool is_string() const { return std::holds_alternative<std::string>(value_); }
  [[nodiscard]] bool is_array() const { return std::holds_alternative<array>(value_); }
  [[nodiscard]] bool is_object() const { return std::holds_alternative<object>(value_); }

  // Pointers are null when the value is of another type: `if (auto* s = j.if_string())`.
  const bool* if_bool() const { return std::get_if<bool>(&value_); }
  const number* if_number() const { return std::get_if<number>(&value_); }
  const std::string* if_string() const { return std::get_if<std::string>(&value_); }
  const array* if_array() const { return std::get_if<array>(&value_); }
  const object* if_object() const { return std::get_if<object>(&value_); }
  std::string* if_string() { return std::get_if<std::string>(&value_); }
  array* if_array() { return std::get_if<array>(&value_); }
  object* if_object() { return std::get_if<object>(&value_); }

  // Lenient reading: the member of an object, or a null value. Never inserts.
  const json& operator[](std::string_view name) const;
  // The element of an array, or a null value.
  const json& operator[](std::size_t index) const;
  const json* find(std::string_view name) const;
  json* find(std::string_view name);
  // Number of elements or members; 0 for anything else.
  [[nodiscard]] std::size_t size() const;
  // Iterating anything but an array visits nothing.
  array::const_iterator begin() const;
  array::const_iterator end() const;
  // The text of a string, or "".
  [[nodiscard]] const std::string& str() const;
  [[nodiscard]] std::int64_t int_or(std::int64_t fallback) const;
  [[nodiscard]] bool bool_or(bool fallback) const;

  // Sets or replaces a member; a null value becomes an object first.
  json& set(std::string_view name, json value);
  bool erase(std::string_view name);
  // Appends to an array; a null value becomes an array first.
  json& push_back(json value);

  bool operator==(const json&) const = default;

  // Compact text.
  [[nodiscard]] std::string dump() const;
  [[nodiscard]] std::string dump_pretty() const;
  void append_to(std::string& out) const;

  struct limits {
    std::size_t depth = 100;
  };
  // RFC 8259; duplicate member names are refused, and so are invalid UTF-8, lone surrogates and trailing text. The error's place is
  // a path such as Task.input[2].type, or a byte offset.
  static result<json> parse(std::string_view text, limits l);
  static result<json> parse(std::string_view text) { return parse(text, limits{}); }

private:
  std::variant<std::monostate, bool, number, std::string, array, object> value_;
};

// Appends `text` as a JSON string with quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace dsf::base
