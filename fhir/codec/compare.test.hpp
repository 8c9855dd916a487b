// Helpers of the codec's tests.
#pragma once

#include <algorithm>
#include <string>

#include "fhir/codec/reading.hpp"

namespace dsf::fhir::test {

// Members sorted by name, so that two orders compare equal.
inline base::json sorted(const base::json& j) {
  if (const auto* a = j.if_array()) {
    base::json::array out;
    for (const auto& v : *a) out.push_back(sorted(v));
    return base::json(std::move(out));
  }
  const auto* o = j.if_object();
  if (!o) return j;
  base::json::object out;
  for (const auto& [name, value] : *o) out.emplace_back(name, sorted(value));
  std::ranges::sort(out, {}, [](const auto& m) -> const std::string& { return m.first; });
  return base::json(std::move(out));
}

// One line an issue: "Task.status: must be ...".
inline std::string told(const reading& r) {
  std::string out;
  for (const auto& i : r.issues) out += (out.empty() ? "" : "\n") + (i.expression.empty() ? "" : i.expression + ": ") + i.text;
  return out;
}

}  // namespace dsf::fhir::test
