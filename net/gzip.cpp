#include "net/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/mutant.hpp"

namespace dsf::net {
namespace {

constexpr int window_with_gzip_head = 15 + 16;
// The fastest: answers are made while the client waits.
constexpr int level = 1;
constexpr std::size_t step = 64 * 1024;

std::string_view trimmed(std::string_view s) noexcept {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

std::string_view take_until(std::string_view& rest, char end) noexcept {
  const auto part = rest.substr(0, rest.find(end));
  rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  return trimmed(part);
}

// A weight is 0 to 1 with at most three digits; 0 in any spelling is no (RFC 9110 12.4.2).
bool has_weight(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    auto p = take_until(parameters, ';');
    if (p.size() >= 2 && (p[0] == 'q' || p[0] == 'Q') && p[1] == '=') return p.find_first_of("123456789", 2) != std::string_view::npos;
  }
  return true;
}

struct end_deflate {
  void operator()(z_stream* z) const { ::deflateEnd(z); }
};
struct end_inflate {
  void operator()(z_stream* z) const { ::inflateEnd(z); }
};

Bytef* bytes_of(std::string_view s) { return reinterpret_cast<Bytef*>(const_cast<char*>(s.data())); }

// zlib counts with 32 bits.
uInt some_of(std::size_t n) { return static_cast<uInt>(std::min<std::size_t>(n, 1U << 30)); }

bool is_compressible(std::string_view content_type) noexcept {
  const auto type = trimmed(content_type.substr(0, content_type.find(';')));
  constexpr std::array exact{"application/json", "application/xml", "text/xml"};
  return type.ends_with("+json") || type.ends_with("+xml") || std::ranges::find(exact, type) != exact.end();
}

bool is_identity(std::string_view coding) noexcept { return coding.empty() || equals_ignoring_case(coding, "identity"); }

}  // namespace

bool accepts_gzip(std::string_view list) noexcept {
  bool any = false, named = false, yes = false;
  while (!list.empty()) {
    auto one = take_until(list, ',');
    const auto name = take_until(one, ';');
    if (equals_ignoring_case(name, "gzip") || equals_ignoring_case(name, "x-gzip")) {
      named = true;
      yes |= has_weight(one) || DSF_MUTANT("net.gzip_weight_ignored");
    } else if (name == "*") {
      any = has_weight(one);
    }
  }
  return named ? yes : any;
}

std::string gzip(std::string_view bytes) {
  z_stream z{};
  if (::deflateInit2(&z, level, Z_DEFLATED, window_with_gzip_head, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, end_deflate> guard(&z);
  std::string out(::deflateBound(&z, bytes.size()), '\0');
  std::size_t written = 0;
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    z.next_in = bytes_of(bytes);
    z.avail_in = some_of(bytes.size());
    const auto given = z.avail_in;
    z.next_out = bytes_of(std::string_view(out).substr(written));
    z.avail_out = some_of(out.size() - written);
    const auto room = z.avail_out;
    state = ::deflate(&z, given == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
    bytes.remove_prefix(given - z.avail_in);
    written += room - z.avail_out;
  }
  out.resize(written);
  return out;
}

result<std::string> gunzip(std::string_view bytes, std::uint64_t limit) {
  z_stream z{};
  if (::inflateInit2(&z, window_with_gzip_head) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, end_inflate> guard(&z);
  std::string out, piece(std::min<std::size_t>(step, limit + 1), '\0');
  for (int state = Z_OK;;) {
    if (state == Z_STREAM_END) {
      if (bytes.empty()) return out;
      ::inflateReset(&z);
    }
    z.next_in = bytes_of(bytes);
    z.avail_in = some_of(bytes.size());
    const auto given = z.avail_in;
    z.next_out = bytes_of(piece);
    z.avail_out = some_of(piece.size());
    state = ::inflate(&z, Z_NO_FLUSH);
    const auto made = piece.size() - z.avail_out;
    bytes.remove_prefix(given - z.avail_in);
    if (state != Z_OK && state != Z_STREAM_END)
      return fail(errc::coding_invalid, bytes.empty() ? "it is cut off" : z.msg ? z.msg : "it is not gzip");
    if (made > limit - out.size()) return fail(errc::coding_too_large, "it has more than " + std::to_string(limit) + " bytes");
    out.append(piece, 0, made);
  }
}

void compress(response& r, bool to_head, std::uint64_t from) {
  if (r.source || r.status < 200 || r.status == 204 || r.status == 206 || r.status == 304) return;
  const auto& h = r.headers;
  if (!is_compressible(h.value("Content-Type")) || h.has("Accept-Ranges") || h.has("Content-Range") || h.has("Content-Encoding")) return;
  const bool only_head = to_head && r.body.empty();
  const auto length = only_head ? std::strtoull(std::string(h.value("Content-Length")).c_str(), nullptr, 10) : r.body.size();
  if (length < from) return;
  if (!only_head) {
    auto small = gzip(r.body.view());
    if (small.size() >= r.body.size()) return;
    r.body = std::move(small);
  }
  r.headers.remove("Content-Length");
  r.headers.set("Content-Encoding", "gzip");
  const auto vary = std::string(r.headers.value("Vary"));
  r.headers.set("Vary", vary.empty() ? "Accept-Encoding" : vary + ", Accept-Encoding");
}

bool is_plain(const request& head) noexcept { return is_identity(trimmed(head.headers.value("Content-Encoding"))); }

std::optional<coding_refusal> decode_body(request& r, std::uint64_t limit) {
  if (!r.headers.has("Content-Encoding")) return {};
  const auto all = r.headers.all("Content-Encoding");
  const auto coding = all.size() == 1 ? trimmed(all[0]) : std::string_view(",");
  if (!is_identity(coding)) {
    if (!equals_ignoring_case(coding, "gzip") && !equals_ignoring_case(coding, "x-gzip"))
      return coding_refusal{415,
                            "Content-Encoding '" + std::string(all[0]) + "' is not understood; send the body as it is, or with gzip alone"};
    auto plain = gunzip(r.body, limit);
    if (!plain) {
      const bool large = plain.error().is(errc::coding_too_large);
      return coding_refusal{large ? 413 : 400, "the body with Content-Encoding gzip can't be taken: " + plain.error().to_string()};
    }
    r.body = std::move(*plain);
  }
  r.headers.remove("Content-Encoding");
  return {};
}

}  // namespace dsf::net
