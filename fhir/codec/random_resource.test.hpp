// Random valid resources, built from the model tables; only for tests.
#pragma once

#include <fmt/format.h>

#include <random>

#include "base/json.hpp"
#include "fhir/codec/primitive.hpp"
#include "fhir/model/model.hpp"

namespace dsf::fhir::test {

class random_resource {
public:
  explicit random_resource(std::uint64_t seed) : engine_(seed) {}

  base::json any() {
    for (;;) {
      const auto& t = all_types()[below(all_types().size())];
      if (t.kind == type_kind::resource && !t.abstract) return of(t, false);
    }
  }

  base::json of(const type_info& type, bool contained) {
    base::json::object out;
    out.emplace_back("resourceType", type.name);
    ++depth_;
    members(type, out, contained);
    --depth_;
    return base::json(std::move(out));
  }

private:
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_); }
  bool chance(std::size_t percent) { return below(100) < percent; }

  void members(const type_info& type, base::json::object& out, bool contained) {
    const auto all = type.elements;
    for (std::size_t i = 0; i < all.size();) {
      std::size_t end = i + 1;
      while (end < all.size() && all[end].position == all[i].position) ++end;
      const auto& element = all[i + below(end - i)];
      i = end;
      if (contained && element.name == "contained") continue;
      // Deep down only what is needed, so that resources end.
      const std::size_t percent = depth_ > 6 ? 0 : 160 / (all.size() + 4) + (depth_ < 3 ? 8 : 0);
      if (element.min > 0 || chance(percent)) add(element, out);
    }
  }

  void add(const element_info& element, base::json::object& out) {
    const auto count = element.array ? 1 + below(3) : 1;
    const bool primitive = element.type->kind == type_kind::primitive;
    const bool siblings = primitive && element.xml == xml_form::element && depth_ < 6 && chance(15);
    base::json::array values;
    base::json::array others;
    for (std::size_t n = 0; n < count; ++n) {
      const bool other = siblings && chance(60);
      values.push_back(other && chance(40) ? base::json{} : value(element));
      others.push_back(other ? sibling() : base::json{});
    }
    const auto put = [&](std::string name, base::json::array& list) {
      bool any = false;
      for (const auto& v : list) any = any || !v.is_null();
      if (any) out.emplace_back(std::move(name), element.array ? base::json(list) : list.front());
    };
    put(std::string(element.name), values);
    put("_" + std::string(element.name), others);
  }

  base::json sibling() {
    base::json out(base::json::object{});
    if (chance(30)) out.set("id", text());
    base::json extension(base::json::object{});
    extension.set("url", "http://example.org/" + std::to_string(below(99)));
    extension.set("valueInteger", static_cast<int>(below(1000)));
    out.set("extension", base::json(base::json::array{extension}));
    return out;
  }

  base::json value(const element_info& element) {
    const auto& type = *element.type;
    if (type.kind == type_kind::primitive) return primitive_value(element);
    if (type.kind == type_kind::resource) {
      static constexpr std::string_view small[] = {"Patient", "Task", "Observation", "Binary", "Parameters", "Basic"};
      return of(*find_type(depth_ > 3 ? "Basic" : small[below(std::size(small))]), element.name == "contained");
    }
    if (type.name == "Extension") return extension();
    base::json::object out;
    ++depth_;
    members(type, out, false);
    // An element needs more than an id (ele-1).
    if (out.empty() || (out.size() == 1 && out.front().first == "id")) {
      base::json url(base::json::object{});
      url.set("url", "http://example.org/only");
      url.set("valueBoolean", chance(50));
      out.emplace_back("extension", base::json(base::json::array{url}));
    }
    --depth_;
    return base::json(std::move(out));
  }

  base::json extension() {
    base::json out(base::json::object{});
    if (chance(20)) out.set("id", text());
    const auto& type = *find_type("Extension");
    if (depth_ < 5 && chance(20)) {
      ++depth_;
      out.set("extension", base::json(base::json::array{extension()}));
      --depth_;
      out.set("url", "http://example.org/nested");
      return out;
    }
    out.set("url", "http://example.org/" + std::to_string(below(9)));
    for (;;) {
      const auto& e = type.elements[below(type.elements.size())];
      if (e.choice.empty() || (depth_ > 4 && e.type->kind != type_kind::primitive)) continue;
      out.set(e.name, value(e));
      return out;
    }
  }

  std::string text() {
    static constexpr std::string_view pieces[] = {"a",  "Z",  "0", "<",      "&",          "\"", "'",   ">",     "\n",
                                                  "\t", "\r", "ä", "\u20ac", "\U0001F600", " x", "]]>", "&amp;", "&#10;"};
    std::string out = "t";
    for (auto n = below(12); n > 0; --n) out += pieces[below(std::size(pieces))];
    return out;
  }

  base::json primitive_value(const element_info& element) {
    using enum fhir::primitive;
    const auto n = [&](std::size_t high) { return below(high); };
    switch (element.type->primitive) {
      case boolean: return chance(50);
      case integer: return chance(50) ? -static_cast<int>(n(99999)) - 1 : static_cast<int>(n(99999));
      case positive_int: return 1 + static_cast<int>(n(99999));
      case unsigned_int: return static_cast<int>(n(99999));
      case decimal: {
        static constexpr std::string_view numbers[] = {"0",   "1.0",    "1.00", "-0.5", "12345678901234567890.123456789012345678901",
                                                       "1e3", "1.5E-7", "0.10"};
        return base::json::number{std::string(numbers[n(std::size(numbers))])};
      }
      case date: return fmt::format("{:04}-{:02}-{:02}", 1 + n(9999), 1 + n(12), 1 + n(28)).substr(0, 4 + 3 * n(3));
      case date_time:
        return chance(30) ? fmt::format("{:04}", 1 + n(9999))
                          : fmt::format("{:04}-{:02}-{:02}T{:02}:59:60.5+14:00", 1 + n(9999), 1 + n(12), 1 + n(28), n(24));
      case instant: return fmt::format("2024-02-29T{:02}:{:02}:00.{}Z", n(24), n(60), n(1000000));
      case time: return fmt::format("{:02}:{:02}:{:02}", n(24), n(60), n(60));
      case code:
        if (element.binding && element.binding->complete) return element.binding->codes[n(element.binding->codes.size())].code;
        return "code " + std::to_string(n(100));
      case id: return fmt::format("id-{}.{}", n(1000), n(10));
      case oid: return fmt::format("urn:oid:1.{}.0.{}", n(50), n(50));
      case uuid: return fmt::format("urn:uuid:00000000-0000-4000-8000-{:012x}", n(1u << 30));
      case uri:
      case url:
      case canonical: return fmt::format("http://example.org/a?b={}&c=<{}>|1.0", n(100), n(100));
      case base64_binary: return chance(50) ? "QUJD" : "QQ==";
      case xhtml:
        return fmt::format(
            "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a &amp; b{}<br/> <b>x</b> <!-- c --> <i class='y'>\u00e4&#160;</i></p></div>",
            n(100));
      case none:
      case string:
      case markdown: return text();
    }
    return text();
  }

  std::mt19937_64 engine_;
  int depth_ = 0;
};

}  // namespace dsf::fhir::test
