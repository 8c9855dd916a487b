#include "fhir/codec/json.hpp"

#include <fmt/format.h>

#include "base/mutant.hpp"
#include "fhir/codec/checker.hpp"
#include "fhir/codec/comments.hpp"

namespace dsf::fhir {
namespace {

reading fatal(errc code, std::string_view issue_code, std::string text, std::string place = {}) {
  reading out;
  out.code = code;
  out.issues.push_back({"fatal", std::string(issue_code), std::move(place), std::move(text)});
  return out;
}

}  // namespace

std::vector<issue> check(const base::json& resource, const codec_limits& limits) {
  checker c(limits);
  c.resource(resource);
  return std::move(c).take();
}

reading read_json(std::string_view text, const codec_limits& limits) {
  if (text.size() > limits.bytes)
    return fatal(errc::limit, "too-long", fmt::format("the resource has {} bytes; at most {} are accepted", text.size(), limits.bytes));
  // RFC 8259 8.1
  if (text.starts_with("\xEF\xBB\xBF"))
    return fatal(errc::not_json, "structure", "the JSON text begins with a byte order mark; send UTF-8 without one");
  auto parsed = base::json::parse(text, {.depth = limits.depth});
  if (!parsed) {
    const auto& e = parsed.error();
    if (e.is(base::errc::limit)) return fatal(errc::limit, "too-costly", e.text(), e.place());
    return fatal(errc::not_json, "structure", e.text(), e.place());
  }
  reading out;
  out.resource = std::move(*parsed);
  if (mentions_comments(text) && !DSF_MUTANT("fhir.comments_are_elements")) leave_out_comments(out.resource);
  out.issues = check(out.resource, limits);
  return out;
}

}  // namespace dsf::fhir
