// Reading a JSON document member by member, with the path of each value for error messages. Private to privacy/.
#pragma once

#include <charconv>
#include <cmath>
#include <string>

#include "base/json.hpp"
#include "privacy/error.hpp"
#include "privacy/term_code.hpp"

namespace dsf::privacy {

inline constexpr std::size_t max_text_bytes = 4096;

class json_reader {
public:
  json_reader(const base::json& value, std::string path, errc code) : value_(&value), path_(std::move(path)), code_(code) {}

  const std::string& path() const { return path_; }
  const base::json& value() const { return *value_; }
  bool has(std::string_view name) const {
    const auto* found = value_->find(name);
    return found && !found->is_null();
  }
  json_reader operator[](std::string_view name) const {
    return {(*value_)[name], path_.empty() ? std::string(name) : path_ + "." + std::string(name), code_};
  }
  json_reader operator[](std::size_t i) const { return {(*value_)[i], path_ + "[" + std::to_string(i) + "]", code_}; }

  base::failure wrong(std::string text) const { return base::fail(code_, std::move(text), path_.empty() ? "(document)" : path_); }

  base::result<void> object() const {
    if (!value_->is_object()) return wrong("must be a JSON object {...}" + found());
    return {};
  }
  // Number of elements.
  base::result<std::size_t> array(std::size_t at_least, std::size_t at_most) const {
    const auto* a = value_->if_array();
    if (!a) return wrong("must be a JSON array [...]" + found());
    if (a->size() < at_least) return wrong("must not be empty; leave the member out, or give at least one element");
    if (a->size() > at_most)
      return base::fail(errc::limit, "has " + std::to_string(a->size()) + " elements; at most " + std::to_string(at_most) + " are allowed",
                        path_);
    return a->size();
  }
  base::result<std::string> text() const {
    const auto* s = value_->if_string();
    if (!s) return wrong("must be a text in quotes" + found());
    if (s->size() > max_text_bytes)
      return base::fail(errc::limit,
                        "the text has " + std::to_string(s->size()) + " bytes; at most " + std::to_string(max_text_bytes) + " are allowed",
                        path_);
    return *s;
  }
  base::result<double> number() const {
    const auto* n = value_->if_number();
    if (!n) return wrong("must be a number without quotes" + found());
    double v = 0;
    const auto [end, ec] = std::from_chars(n->text.data(), n->text.data() + n->text.size(), v);
    if (ec != std::errc{} || end != n->text.data() + n->text.size() || !std::isfinite(v))
      return wrong("the number '" + n->text + "' is out of range");
    return v;
  }
  // {system, code, display?, version?}
  base::result<term_code> coded() const {
    TRY(object());
    term_code out;
    out.system = TRY((*this)["system"].text());
    out.code = TRY((*this)["code"].text());
    if (out.code.empty()) return (*this)["code"].wrong("must not be empty");
    if (has("display")) out.display = TRY((*this)["display"].text());
    if (has("version")) out.version = TRY((*this)["version"].text());
    return out;
  }

private:
  std::string found() const {
    if (value_->is_null()) return "; it is missing";
    if (value_->is_string()) return ", not a text";
    if (value_->is_array()) return ", not an array";
    if (value_->is_object()) return ", not an object";
    return value_->is_number() ? ", not a number" : ", not true or false";
  }
  const base::json* value_;
  std::string path_;
  errc code_;
};

}  // namespace dsf::privacy
