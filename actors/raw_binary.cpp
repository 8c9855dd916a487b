#include "actors/raw_binary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/bytes.hpp"
#include "base/mutant.hpp"
#include "fhir/semantics/refusal.hpp"

namespace dsf::actors {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view unknown_bytes = "application/octet-stream";
// Accepted, these ask for the resource.
constexpr std::array fhir_types = {"application/fhir+xml"sv, "application/fhir+json"sv, "application/xml+fhir"sv,
                                   "application/json+fhir"sv};
// A body of these is a resource.
constexpr std::array resource_types = {"application/fhir+xml"sv,  "application/fhir+json"sv, "application/xml+fhir"sv,
                                       "application/json+fhir"sv, "application/xml"sv,       "application/json"sv};
constexpr std::array extensions_of = {std::pair{"image/jpeg"sv, ".jpeg"sv},
                                      std::pair{"image/png"sv, ".png"sv},
                                      std::pair{"image/svg+xml"sv, ".svg"sv},
                                      std::pair{"image/tiff"sv, ".tiff"sv},
                                      std::pair{"text/csv"sv, ".csv"sv},
                                      std::pair{"text/html"sv, ".html"sv},
                                      std::pair{"text/plain"sv, ".txt"sv},
                                      std::pair{"application/dicom"sv, ".dicom"sv},
                                      std::pair{"application/dicom+json"sv, ".json"sv},
                                      std::pair{"application/dicom+xml"sv, ".xml"sv},
                                      std::pair{"application/gzip"sv, ".gz"sv},
                                      std::pair{"application/json"sv, ".json"sv},
                                      std::pair{"application/pdf"sv, ".pdf"sv},
                                      std::pair{"application/pem-certificate-chain"sv, ".pem"sv},
                                      std::pair{"application/x-ndjson"sv, ".ndjson"sv},
                                      std::pair{"application/xml"sv, ".xml"sv},
                                      std::pair{"application/zip"sv, ".zip"sv}};
constexpr std::array inline_types = {"text/html"sv, "text/plain"sv, "application/pdf"sv, "image/png"sv, "image/jpeg"sv,
                                     "image/gif"sv, "image/webp"sv, "image/svg+xml"sv,   "image/avif"sv};
// What a partner stored must not run as a page of this site.
constexpr std::string_view inline_policy =
    "base-uri 'self'; frame-ancestors 'self'; form-action 'self'; default-src 'none'; connect-src 'self'; img-src 'self'; "
    "script-src 'none'; style-src 'self' 'unsafe-inline'";

bool is_blank(std::string_view s) { return s.find_first_not_of(" \t") == s.npos; }

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// "Text/CSV; charset=utf-8" -> "text/csv"
std::string bare_type(std::string_view media_type) {
  std::string out(trimmed(media_type.substr(0, media_type.find(';'))));
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

bool is_printable(std::string_view s) {
  return std::ranges::all_of(s, [](char c) { return c >= ' ' && c <= '~'; });
}

// type/subtype and perhaps parameters, fit for a header line.
bool is_media_type(std::string_view s) {
  const auto bare = bare_type(s);
  const auto slash = bare.find('/');
  return is_printable(s) && slash != bare.npos && slash > 0 && slash + 1 < bare.size() && bare.find('/', slash + 1) == bare.npos &&
         bare.find_first_of(" ,*\"") == bare.npos;
}

std::string_view parameter(const fhir::interaction_request& request, std::string_view name) {
  for (const auto& [n, value] : request.query)
    if (n == name) return value;
  return {};
}

// Does one of the ranges cover the type: the most specific one decides (RFC 9110 12.5.1).
bool accepts(const std::optional<std::string>& accept, std::string_view type) {
  if (!accept || is_blank(*accept)) return true;
  const auto family = std::string(type.substr(0, type.find('/'))) + "/*";
  int best = 0;
  bool good = false;
  std::string_view rest = *accept;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const auto one = rest.substr(0, comma);
    rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
    const auto range = bare_type(one);
    const int fits = range == type ? 3 : range == family ? 2 : range == "*/*" ? 1 : 0;
    if (fits <= best) continue;
    best = fits;
    const auto weight = one.find("q=");
    good = weight == one.npos || trimmed(one.substr(weight + 2)).find_first_not_of("0.") != std::string_view::npos;
  }
  return good;
}

std::optional<std::uint64_t> number(std::string_view s) {
  std::uint64_t v = 0;
  const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), v);
  if (s.empty() || ec != std::errc{} || end != s.data() + s.size()) return {};
  return v;
}

// RFC 9110 13.1.5, but weak tags count, as for the reference: one version is always the same bytes.
bool range_still_holds(const raw_read& asked, const fhir::reply& reply) {
  if (!asked.if_range || is_blank(*asked.if_range)) return true;
  const auto* tag = reply.header("ETag");
  const auto* date = reply.header("Last-Modified");
  const auto wanted = trimmed(*asked.if_range);
  return (tag && (wanted == *tag || "W/" + std::string(wanted) == *tag)) || (date && wanted == *date);
}

std::string disposition(std::string_view id, std::string_view type) {
  const auto found = std::ranges::find(extensions_of, type, &std::pair<std::string_view, std::string_view>::first);
  return fmt::format("attachment; filename=Binary_{}{}", id, found == extensions_of.end() ? ".bin"sv : found->second);
}

}  // namespace

std::optional<raw_read> take_raw_read(const net::header_list& headers, fhir::interaction_request& request) {
  if (request.method != fhir::http_method::get && request.method != fhir::http_method::head) return {};
  // Binary/<id> and Binary/<id>/_history/<version>
  if (!request.path.starts_with("Binary/")) return {};
  const auto rest = std::string_view(request.path).substr(7);
  const auto slash = rest.find('/');
  const auto id = rest.substr(0, slash), behind = slash == rest.npos ? ""sv : rest.substr(slash);
  if (id.empty() || id.front() == '_' || id.front() == '$') return {};
  if (!behind.empty() && !behind.starts_with("/_history/")) return {};

  const auto format = parameter(request, "_format");
  const bool shown_inline = format == "inline";
  if (!shown_inline) {
    if (!is_blank(format)) return {};
    const auto accept = request.accept ? std::string_view(*request.accept) : std::string_view{};
    const auto first = bare_type(accept.substr(0, accept.find(',')));
    // A browser gets the page about the Binary.
    if (std::ranges::find(fhir_types, first) != fhir_types.end() || first == "text/html") return {};
  }
  const auto text = [&](std::string_view name) {
    const auto* v = headers.find(name);
    return v ? std::optional<std::string>(*v) : std::nullopt;
  };
  raw_read out{request.method == fhir::http_method::head, shown_inline, std::move(request.accept), text("Range"), text("If-Range")};
  request.accept = "application/fhir+json";
  request.query.clear();
  return out;
}

namespace {
bool is_upload(const fhir::interaction_request& request) {
  const bool post = request.method == fhir::http_method::post && request.path == "Binary";
  const bool put = request.method == fhir::http_method::put && (request.path == "Binary" || request.path.starts_with("Binary/"));
  return post || put;
}
}  // namespace

bool is_raw_upload(const fhir::interaction_request& request) {
  return is_upload(request) &&
         (!request.content_type || std::ranges::find(resource_types, bare_type(*request.content_type)) == resource_types.end());
}

bool is_binary_resource(const fhir::interaction_request& request) {
  return is_upload(request) && request.content_type &&
         std::ranges::find(resource_types, bare_type(*request.content_type)) != resource_types.end();
}

range_choice choose_range(std::string_view header, std::uint64_t size) {
  header = trimmed(header);
  if (!header.starts_with("bytes=")) return {};
  const auto text = trimmed(header.substr(6));
  const auto dash = text.find('-');
  if (dash == text.npos || text.find(',') != text.npos) return {};
  const auto from = text.substr(0, dash), to = text.substr(dash + 1);
  constexpr auto outside = range_choice::kind::unsatisfiable, part = range_choice::kind::part;
  if (from.empty()) {
    const auto length = number(to);
    if (!length) return {};
    if (*length == 0 || size == 0) return {outside, {}};
    return {part, {*length >= size ? 0 : size - *length, size - 1}};
  }
  const auto first = number(from);
  const auto last = to.empty() ? std::optional(size) : number(to);
  if (!first || !last || (!to.empty() && *last < *first)) return {};
  if (*first >= size) return {outside, {}};
  return {part, {*first, std::min(*last, size - 1)}};
}

std::optional<fhir::reply> take_raw_upload(const net::header_list& headers, fhir::interaction_request& request) {
  if (!request.content_type || !is_media_type(*request.content_type))
    return fhir::refusal_reply(request, 400, "processing",
                               "An upload of bytes needs a header Content-Type with the media type of the bytes, such as image/png");
  const auto contexts = headers.all("X-Security-Context");
  if (contexts.size() != 1 || is_blank(contexts[0]) || !is_printable(contexts[0]))
    return fhir::refusal_reply(request, 400, "processing",
                               fmt::format("An upload of bytes needs exactly one header X-Security-Context with a reference such as "
                                           "Organization/<id>; {} are there that can be read",
                                           std::ranges::count_if(contexts, [](auto c) { return !is_blank(c) && is_printable(c); })));
  base::json resource(base::json::object{{"resourceType", "Binary"}});
  if (const auto slash = request.path.find('/'); slash != std::string::npos) resource.set("id", request.path.substr(slash + 1));
  // FHIR's code has single blanks only.
  std::string type;
  for (const char c : trimmed(*request.content_type))
    if (c != ' ' || type.back() != ' ') type += c;
  resource.set("contentType", std::move(type));
  resource.set("securityContext", base::json::object{{"reference", trimmed(contexts[0])}});
  if (!request.body.empty()) resource.set("data", base::to_base64(request.body));
  request.body = resource.dump();
  request.content_type = "application/fhir+json";
  return {};
}

raw_reply raw_answer(const raw_read& asked, fhir::reply reply, std::string_view id, std::optional<std::uint64_t> in_blob) {
  const auto* stored = std::get_if<std::shared_ptr<const std::string>>(&reply.body);
  if (reply.status != 200 || !stored) {
    // What is said besides the bytes has the form of requests that name none.
    reply.media_type = "application/fhir+xml";
    reply.xml = true;
    return {std::move(reply)};
  }
  const auto without_body = [&](int status) {
    reply.status = status;
    reply.body = std::monostate();
    return raw_reply{std::move(reply)};
  };
  const auto resource = base::json::parse(**stored);
  auto bytes = !resource ? base::result<std::string>(base::failure(resource.error()))
               : in_blob ? base::result<std::string>(std::string())
                         : base::from_base64((*resource)["data"].str());
  // What is stored was checked when it came; bytes it can't be given as are a fault of ours.
  if (!bytes) return without_body(500);
  const auto& stated = (*resource)["contentType"].str();
  const std::string media_type = is_media_type(stated) ? stated : std::string(unknown_bytes);
  const auto bare = bare_type(media_type);
  if (!asked.shown_inline && !accepts(asked.accept, bare) && !DSF_MUTANT("actors.bytes_of_a_type_not_accepted")) return without_body(406);

  const std::uint64_t size = in_blob ? *in_blob : bytes->size();
  std::uint64_t first = 0, length = size;
  auto& headers = reply.headers;
  headers.emplace_back("Accept-Ranges", "bytes");
  if (!asked.whole && asked.range && range_still_holds(asked, reply)) {
    const auto range = choose_range(*asked.range, size);
    if (range.what != range_choice::kind::whole)
      headers.emplace_back("Content-Range", range.what == range_choice::kind::part
                                                ? fmt::format("bytes {}-{}/{}", range.part.first, range.part.last, size)
                                                : fmt::format("bytes */{}", size));
    if (range.what == range_choice::kind::unsatisfiable) return without_body(416);
    if (range.what == range_choice::kind::part) {
      const auto end = range.part.last + (DSF_MUTANT("actors.range_without_its_last_byte") ? 0 : 1);
      reply.status = 206;
      first = range.part.first;
      length = end - first;
    }
  }
  headers.emplace_back("Content-Type", media_type);
  headers.emplace_back("X-Content-Type-Options", "nosniff");
  const auto& context = (*resource)["securityContext"]["reference"].str();
  if (!context.empty() && is_printable(context)) headers.emplace_back("X-Security-Context", context);
  if (asked.shown_inline && std::ranges::find(inline_types, bare) != inline_types.end())
    headers.emplace_back("Content-Security-Policy", inline_policy);
  else
    headers.emplace_back("Content-Disposition", disposition(id, bare));
  reply.xml = reply.html = reply.pretty = false;
  reply.summary.clear();
  if (in_blob) {
    reply.body = std::monostate();
    return {std::move(reply), first, length};
  }
  if (length < size) *bytes = bytes->substr(first, length);
  reply.body = std::make_shared<const std::string>(*std::move(bytes));
  return {std::move(reply)};
}

}  // namespace dsf::actors
