// The content coding gzip (RFC 9110 8.4.1.3, RFC 1952) of answers and of requests' bodies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/error.hpp"
#include "net/http.hpp"

namespace dsf::net {

// Whether an Accept-Encoding field takes gzip: by name or by *, with a weight above 0 (RFC 9110 12.5.3).
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding) noexcept;

[[nodiscard]] std::string gzip(std::string_view bytes);
// One member or several behind each other. coding_invalid: not gzip, cut off, or a wrong check sum; coding_too_large: more than `limit` bytes, of which none is kept.
result<std::string> gunzip(std::string_view bytes, std::uint64_t limit);

// Compresses an answer of at least `from` bytes whose type is FHIR, JSON or XML. Left alone: bytes of a Binary and parts of it, answers in pieces, pages (they
// repeat what their address says beside what is not everyone's), and what would not become smaller. To HEAD the length is left out, because nobody knows it
// before the body is made.
void compress(response& r, bool to_head, std::uint64_t from);

struct coding_refusal {
  int status = 0;  // 400, 413 or 415
  std::string text;
};
// Decodes a request's body as its Content-Encoding says, and takes that field away. Nothing is changed if it is refused.
std::optional<coding_refusal> decode_body(request& r, std::uint64_t limit);
// Whether a body comes as it is.
[[nodiscard]] bool is_plain(const request& head) noexcept;

}  // namespace dsf::net
