#include "base/json.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <unordered_set>

#include "base/mutant.hpp"

namespace dsf::base {
namespace {

const json& null_json() {
  static const json instance;
  return instance;
}
const json::array& empty_array() {
  static const json::array instance;
  return instance;
}

// simdjson's DOM keeps integers and doubles, not the digits. FHIR decimals must keep them (R4 datatypes, decimal), so number texts
// are read from the input by this second cursor, which walks the (already validated) document in step with the DOM.
class number_texts {
public:
  explicit number_texts(std::string_view text) : text_(text) {}
  std::string next() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        while (text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
        ++at_;
      } else if (c == '-' || (c >= '0' && c <= '9')) {
        const auto from = at_;
        while (at_ < text_.size() && is_number_char(text_[at_])) ++at_;
        return std::string(text_.substr(from, at_ - from));
      } else {
        ++at_;
      }
    }
    return "0";
  }

private:
  static bool is_number_char(char c) { return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'; }
  std::string_view text_;
  std::size_t at_ = 0;
};

struct converter {
  number_texts numbers;
  std::vector<std::string_view> path;  // names of the members around; joined only when something is wrong

  std::string place(std::string_view fallback) const {
    std::string out;
    for (const auto name : path) {
      if (!out.empty()) out += '.';
      out += name;
    }
    return out.empty() ? std::string(fallback) : out;
  }

  // The recursion is bounded by json::limits::depth, which simdjson enforces while parsing.
  result<json> convert(const simdjson::dom::element& e) {
    using simdjson::dom::element_type;
    switch (e.type()) {
      case element_type::NULL_VALUE: return json{};
      case element_type::BOOL: return json{bool(e.get_bool().value_unsafe())};
      case element_type::INT64:
      case element_type::UINT64:
      case element_type::DOUBLE:
        if (DSF_MUTANT("base.decimals_lose_digits")) return json{json::number{fmt::format("{}", e.get_double().value())}};
        return json{json::number{numbers.next()}};
      case element_type::STRING: return json{std::string_view(e.get_string().value_unsafe())};
      case element_type::ARRAY: {
        json::array out;
        const auto a = e.get_array().value_unsafe();
        out.reserve(a.size());
        for (const auto child : a) {
          auto v = convert(child);
          if (!v) return failure(std::move(v).error());
          out.push_back(std::move(*v));
        }
        return json{std::move(out)};
      }
      case element_type::OBJECT: {
        json::object out;
        const auto o = e.get_object().value_unsafe();
        out.reserve(o.size());
        std::unordered_set<std::string_view> seen;
        const bool many = o.size() > 16;
        for (const auto field : o) {
          bool duplicate = false;
          if (many) {
            duplicate = !seen.insert(field.key).second;
          } else {
            for (const auto& m : out) duplicate = duplicate || m.first == field.key;
          }
          if (duplicate && !DSF_MUTANT("base.duplicate_members_accepted"))
            return fail(errc::parse, fmt::format("the member '{}' occurs twice in one object", field.key), place(field.key));
          path.push_back(field.key);
          auto v = convert(field.value);
          if (!v) return failure(std::move(v).error());
          path.pop_back();
          out.emplace_back(std::string(field.key), std::move(*v));
        }
        return json{std::move(out)};
      }
    }
    return json{};
  }
};

void append_pretty(const json& j, std::string& out, int indent) {
  const auto line = [&](int n) {
    out += '\n';
    out.append(static_cast<std::size_t>(n) * 2, ' ');
  };
  if (const auto* a = j.if_array(); a && !a->empty()) {
    out += '[';
    for (std::size_t i = 0; i < a->size(); ++i) {
      if (i) out += ',';
      line(indent + 1);
      append_pretty((*a)[i], out, indent + 1);
    }
    line(indent);
    out += ']';
  } else if (const auto* o = j.if_object(); o && !o->empty()) {
    out += '{';
    bool first = true;
    for (const auto& [name, value] : *o) {
      if (!first) out += ',';
      first = false;
      line(indent + 1);
      append_json_string(out, name);
      out += ": ";
      append_pretty(value, out, indent + 1);
    }
    line(indent);
    out += '}';
  } else {
    j.append_to(out);
  }
}

}  // namespace

json::json(double v) {
  if (std::isfinite(v)) value_ = number{fmt::format("{}", v)};
}

const json* json::find(std::string_view name) const {
  if (const auto* o = if_object())
    for (const auto& m : *o)
      if (m.first == name) return &m.second;
  return nullptr;
}
json* json::find(std::string_view name) { return const_cast<json*>(std::as_const(*this).find(name)); }

const json& json::operator[](std::string_view name) const {
  const auto* found = find(name);
  return found ? *found : null_json();
}
const json& json::operator[](std::size_t index) const {
  const auto* a = if_array();
  return a && index < a->size() ? (*a)[index] : null_json();
}
std::size_t json::size() const {
  if (const auto* a = if_array()) return a->size();
  if (const auto* o = if_object()) return o->size();
  return 0;
}
json::array::const_iterator json::begin() const { return if_array() ? if_array()->begin() : empty_array().begin(); }
json::array::const_iterator json::end() const { return if_array() ? if_array()->end() : empty_array().end(); }

const std::string& json::str() const {
  static const std::string empty;
  const auto* s = if_string();
  return s ? *s : empty;
}
std::int64_t json::int_or(std::int64_t fallback) const {
  const auto* n = if_number();
  if (!n) return fallback;
  std::int64_t v = 0;
  const auto [end, ec] = std::from_chars(n->text.data(), n->text.data() + n->text.size(), v);
  return ec == std::errc{} && end == n->text.data() + n->text.size() ? v : fallback;
}
bool json::bool_or(bool fallback) const {
  const auto* b = if_bool();
  return b ? *b : fallback;
}

json& json::set(std::string_view name, json value) {
  if (is_null()) value_ = object{};
  auto& o = std::get<object>(value_);
  if (auto* found = find(name)) {
    *found = std::move(value);
    return *found;
  }
  return o.emplace_back(std::string(name), std::move(value)).second;
}
bool json::erase(std::string_view name) {
  auto* o = if_object();
  if (!o) return false;
  return std::erase_if(*o, [&](const member& m) { return m.first == name; }) > 0;
}
json& json::push_back(json value) {
  if (is_null()) value_ = array{};
  return std::get<array>(value_).emplace_back(std::move(value));
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  std::size_t run = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(run, i - run));
    run = i + 1;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      default:
        out += "\\u00";
        out += hex[c >> 4];
        out += hex[c & 15];
    }
  }
  out.append(text.substr(run));
  out += '"';
}

void json::append_to(std::string& out) const {
  if (is_null()) {
    out += "null";
  } else if (const auto* b = if_bool()) {
    out += *b ? "true" : "false";
  } else if (const auto* n = if_number()) {
    out += n->text;
  } else if (const auto* s = if_string()) {
    append_json_string(out, *s);
  } else if (const auto* a = if_array()) {
    out += '[';
    for (std::size_t i = 0; i < a->size(); ++i) {
      if (i) out += ',';
      (*a)[i].append_to(out);
    }
    out += ']';
  } else {
    out += '{';
    bool first = true;
    for (const auto& [name, value] : *if_object()) {
      if (!first) out += ',';
      first = false;
      append_json_string(out, name);
      out += ':';
      value.append_to(out);
    }
    out += '}';
  }
}

std::string json::dump() const {
  std::string out;
  append_to(out);
  return out;
}
std::string json::dump_pretty() const {
  std::string out;
  append_pretty(*this, out, 0);
  return out;
}

result<json> json::parse(std::string_view text, limits l) {
  // One parser a thread: its buffers are reused, which is what makes simdjson fast. Large ones are given back.
  thread_local simdjson::dom::parser parser;
  if (const auto ec = parser.allocate(std::max<std::size_t>(text.size(), 4096), l.depth); ec != simdjson::SUCCESS)
    return fail(errc::limit, fmt::format("a document of {} bytes does not fit into memory", text.size()));
  const auto doc = parser.parse(text.data(), text.size(), true);
  if (doc.error() == simdjson::DEPTH_ERROR) return fail(errc::limit, fmt::format("the document is nested deeper than {} levels", l.depth));
  if (doc.error() != simdjson::SUCCESS) return fail(errc::parse, fmt::format("not valid JSON: {}", simdjson::error_message(doc.error())));
  converter c{number_texts{text}, {}};
  auto out = c.convert(doc.value_unsafe());
  if (text.size() > (1u << 20)) parser = simdjson::dom::parser{};
  return out;
}

}  // namespace dsf::base
