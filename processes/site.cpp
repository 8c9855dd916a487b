#include "processes/site.hpp"

#include <algorithm>
#include <charconv>

#include "processes/errc.hpp"

namespace dsf::processes {
namespace {

std::string_view without_slash(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return url;
}

bool is_id(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
  };
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, allowed);
}

}  // namespace

using base::fail;
using base::result;

result<absolute_reference> parse_reference(std::string_view text, std::string_view type, std::string_view own_base) {
  const auto bad = [&] {
    return fail(errc::bad_task, "'" + std::string(text.substr(0, 200)) + "' is not a reference to a " + std::string(type), "reference");
  };
  absolute_reference out;
  out.type = type;
  auto rest = text;
  constexpr std::string_view history = "/_history/";
  if (const auto at = rest.find(history); at != rest.npos) {
    const auto number = rest.substr(at + history.size());
    const auto [end, ec] = std::from_chars(number.data(), number.data() + number.size(), out.version);
    if (ec != std::errc{} || end != number.data() + number.size() || out.version == 0) return bad();
    rest = rest.substr(0, at);
  }
  const auto slash = rest.rfind('/');
  if (slash == rest.npos || !is_id(rest.substr(slash + 1))) return bad();
  out.id = rest.substr(slash + 1);
  rest = rest.substr(0, slash);
  if (rest == type) {
    out.base = without_slash(own_base);
    return out;
  }
  if (!rest.ends_with(type) || rest.size() <= type.size() + 1 || rest[rest.size() - type.size() - 1] != '/') return bad();
  out.base = without_slash(rest.substr(0, rest.size() - type.size() - 1));
  if (!out.base.starts_with("https://") && !out.base.starts_with("http://")) return bad();
  return out;
}

result<plugins::member> member_at(plugins::services& s, std::string_view organization, std::string_view base_url) {
  for (auto& m : TRY(s.members()))
    if (m.organization_identifier == organization && without_slash(m.endpoint_url) == without_slash(base_url)) return std::move(m);
  return fail(errc::not_on_allow_list,
              "the allow-list has no active endpoint " + std::string(base_url) + " of organization " + std::string(organization));
}

result<std::optional<plugins::member>> find_member(plugins::services& s, std::string_view organization,
                                                   std::string_view endpoint_identifier) {
  for (auto& m : TRY(s.members()))
    if (m.organization_identifier == organization && m.endpoint_identifier == endpoint_identifier) return std::optional(std::move(m));
  return std::optional<plugins::member>{};
}

bpmn::target target_for(const plugins::member& m, std::string correlation_key) {
  return {m.organization_identifier, m.endpoint_identifier, m.endpoint_url, std::move(correlation_key)};
}

}  // namespace dsf::processes
