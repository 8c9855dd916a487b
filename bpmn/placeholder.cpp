#include "bpmn/placeholder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bpmn/errc.hpp"

namespace dsf::bpmn {
namespace {

constexpr std::size_t max_result_bytes = 64u << 20;

std::optional<std::string> look_up(std::string_view body, const placeholder_values& values) {
  if (body == "version") return values.version;
  if (body == "date") return values.date;
  if (body == "organization") return values.organization.value_or("null");
  const auto colon = body.find(':');
  const auto name = body.substr(0, colon);
  if (values.property && !name.empty()) {
    if (auto found = values.property(name)) return found;
  }
  if (colon == std::string_view::npos) return std::nullopt;
  return std::string(body.substr(colon + 1));
}

}  // namespace

base::result<std::string> replace_placeholders(std::string_view text, std::string_view file_name, placeholder_file kind,
                                               const placeholder_values& values) {
  std::string out;
  out.reserve(text.size());
  const auto place = [&](std::size_t at) {
    return fmt::format("{}: line {}", file_name, 1 + std::ranges::count(text.substr(0, at), '\n'));
  };
  for (std::size_t at = 0; at < text.size();) {
    const bool begins =
        at + 1 < text.size() && text[at + 1] == '{' && (text[at] == '#' || (text[at] == '$' && kind == placeholder_file::fhir));
    if (!begins) {
      out += text[at++];
      continue;
    }
    const auto end = text.find('}', at);
    if (end == std::string_view::npos)
      return base::fail(errc::bad_model, fmt::format("placeholder {} is not closed by '}}'", text.substr(at, 40)), place(at));
    const auto found = look_up(text.substr(at + 2, end - at - 2), values);
    if (!found) {
      return base::fail(errc::bad_model,
                        fmt::format("placeholder {} has no value; set it in the configuration or give a default as in #{{name:default}}",
                                    text.substr(at, end - at + 1)),
                        place(at));
    }
    out += *found;
    if (out.size() > max_result_bytes)
      return base::fail(errc::limit, "the file is too large after replacing its placeholders", std::string(file_name));
    at = end + 1;
  }
  return out;
}

}  // namespace dsf::bpmn
