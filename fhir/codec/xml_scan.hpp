// The checks that pugixml does not do: encoding, characters, entities, DTDs, one root, limits.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace dsf::fhir {

struct xml_fault {
  std::size_t at;      // byte offset
  std::string text;
  bool limit = false;  // a limit was exceeded
};

struct xml_scan_limits {
  std::size_t depth = 100;
  std::size_t elements = 1'000'000;
};

// Nothing if `text` may be given to the parser.
std::optional<xml_fault> scan_xml(std::string_view text, const xml_scan_limits& limits);

// The offset just after the element whose '<' is at `start`; the text has passed scan_xml.
std::size_t element_end(std::string_view text, std::size_t start);

// 1-based line of a byte offset.
std::size_t line_of(std::string_view text, std::size_t at);

}  // namespace dsf::fhir
