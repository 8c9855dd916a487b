#include "fhir/codec/comments.hpp"

#include <algorithm>

namespace dsf::fhir {
namespace {

constexpr std::string_view member_name = "fhir_comments";

bool is_comments(const base::json::member& m) {
  return m.first == member_name && m.second.is_array() && std::ranges::all_of(m.second, [](const base::json& c) { return c.is_string(); });
}

bool is_empty_object(const base::json& v) { return v.is_object() && v.size() == 0; }

// Whether nothing is left of a member that had comments. In an array of siblings null keeps the place.
bool nothing_left(base::json::member& m) {
  if (is_empty_object(m.second)) return true;
  auto* items = m.second.if_array();
  if (!items || !m.first.starts_with('_')) return false;
  for (auto& i : *items)
    if (is_empty_object(i)) i = nullptr;
  return std::ranges::all_of(*items, &base::json::is_null);
}

// Whether there were comments. The depth is what the parser allowed.
bool walk(base::json& value) {
  bool found = false;
  if (auto* items = value.if_array()) {
    for (auto& i : *items) found = walk(i) || found;
  } else if (auto* members = value.if_object()) {
    found = std::erase_if(*members, is_comments) > 0;
    for (std::size_t i = 0; i < members->size();) {
      auto& m = (*members)[i];
      const bool inside = walk(m.second);
      found = found || inside;
      if (inside && nothing_left(m))
        members->erase(members->begin() + static_cast<std::ptrdiff_t>(i));
      else
        ++i;
    }
  }
  return found;
}

}  // namespace

bool mentions_comments(std::string_view text) { return text.find("\"fhir_comments\"") != text.npos; }

void leave_out_comments(base::json& resource) { walk(resource); }

}  // namespace dsf::fhir
