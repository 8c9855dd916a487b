// A Binary as its bytes instead of as a resource (dsf-fhir-server 3.10): requests about bytes become requests about the resource, and its
// answers become bytes. Many megabytes are decoded and encoded here: not on a thread that must not stand still.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fhir/semantics/interaction.hpp"
#include "net/http.hpp"

namespace dsf::actors {

// What a request for bytes says besides which Binary it is about.
struct raw_read {
  bool whole = false;  // HEAD: ranges are for GET only
  bool shown_inline = false;
  std::optional<std::string> accept, range, if_range;
};
// Nothing if the resource is asked for; else `request` asks for it as it is stored.
std::optional<raw_read> take_raw_read(const net::header_list& headers, fhir::interaction_request& request);
// 200 with the bytes, 206 with one range of them, 406 if their type is not accepted, 416 if the range lies outside; any other answer stays.
struct raw_reply {
  fhir::reply reply;
  // Of the blob, what follows as the body; the reply itself has none then.
  std::optional<std::uint64_t> first;
  std::uint64_t size = 0;
};
// `in_blob`: how many bytes lie in a blob; nothing if they are in the resource.
raw_reply raw_answer(const raw_read& asked, fhir::reply resource, std::string_view id, std::optional<std::uint64_t> in_blob = {});

// Does the body hold bytes of a Binary, not a resource.
bool is_raw_upload(const fhir::interaction_request& request);
// Is it a Binary in FHIR JSON or XML.
bool is_binary_resource(const fhir::interaction_request& request);
// The body becomes the resource that the bytes stand for; 400 if a header is missing.
std::optional<fhir::reply> take_raw_upload(const net::header_list& headers, fhir::interaction_request& request);

// One range of `size` bytes, both ends included (RFC 9110 14.1.2).
struct byte_range {
  std::uint64_t first = 0, last = 0;
};
struct range_choice {
  enum class kind : std::uint8_t { whole, part, unsatisfiable } what = kind::whole;
  byte_range part;
};
// A header that is malformed, of another unit or has several ranges asks for the whole.
range_choice choose_range(std::string_view header, std::uint64_t size);

}  // namespace dsf::actors
