// Which form an answer takes (dsf-fhir-server 3.1): _format, else Accept with its weights (RFC 9110 12.5.1), where the reference's order of media types
// decides between equal ones.
#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/mutant.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/interactions/answer.hpp"

namespace dsf::fhir {
namespace {

using namespace std::string_view_literals;

struct media {
  std::string_view asked;
  std::string_view type;
  bool xml;
};
constexpr std::array formats = {media{"application/fhir+json", "application/fhir+json", false},
                                media{"application/json+fhir", "application/json+fhir", false},
                                media{"application/json", "application/json", false},
                                media{"json", "application/fhir+json", false},
                                media{"application/fhir+xml", "application/fhir+xml", true},
                                media{"application/xml+fhir", "application/xml+fhir", true},
                                media{"application/xml", "application/xml", true},
                                media{"text/xml", "text/xml", true},
                                media{"xml", "application/fhir+xml", true},
                                media{"text/html", "text/html", false},
                                media{"html", "text/html", false}};
// The first of equal weight wins. A range with a star gives XML, the reference's default.
constexpr std::array accepted = {media{"text/html", "text/html", false},
                                 media{"application/fhir+json", "application/fhir+json", false},
                                 media{"application/json+fhir", "application/json+fhir", false},
                                 media{"application/json", "application/json", false},
                                 media{"application/fhir+xml", "application/fhir+xml", true},
                                 media{"application/xml+fhir", "application/xml+fhir", true},
                                 media{"application/xml", "application/xml", true},
                                 media{"text/xml", "text/xml", true},
                                 media{"application/*", "application/fhir+xml", true},
                                 media{"*/*", "application/fhir+xml", true}};

std::string_view parameter(const interaction_request& request, std::string_view name) {
  for (const auto& [n, value] : request.query)
    if (n == name) return value;
  return {};
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

std::string lower(std::string_view s) {
  std::string out(s);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// Thousandths; 1000 if there is none, or none that reads as one.
int weight_of(std::string_view parameters) {
  while (!parameters.empty()) {
    const auto end = parameters.find(';');
    const auto one = trimmed(parameters.substr(0, end));
    parameters = end == parameters.npos ? std::string_view{} : parameters.substr(end + 1);
    if (!one.starts_with("q=") && !one.starts_with("Q=")) continue;
    double q = 1;
    const auto text = one.substr(2);
    const auto [at, ec] = std::from_chars(text.data(), text.data() + text.size(), q);
    if (ec != std::errc{} || at != text.data() + text.size() || !(q >= 0 && q <= 1)) return 1'000;
    return static_cast<int>(q * 1'000);
  }
  return 1'000;
}

struct accepted_range {
  std::string type;
  int weight = 1'000;
};

std::vector<accepted_range> ranges_of(std::string_view accept) {
  std::vector<accepted_range> out;
  while (!accept.empty() && out.size() < 100) {
    const auto comma = accept.find(',');
    const auto one = accept.substr(0, comma);
    accept = comma == accept.npos ? std::string_view{} : accept.substr(comma + 1);
    const auto semicolon = one.find(';');
    out.push_back({lower(trimmed(one.substr(0, semicolon))), semicolon == one.npos ? 1'000 : weight_of(one.substr(semicolon + 1))});
  }
  return out;
}

const media* chosen_by(std::string_view accept) {
  const auto ranges = ranges_of(accept);
  const media* best = nullptr;
  int weight = 0;
  for (const auto& m : accepted)
    for (const auto& r : ranges) {
      const int w = DSF_MUTANT("fhir.accept_weights_ignored") ? 1'000 : r.weight;
      if (r.type == m.asked && w > weight) best = &m, weight = w;
    }
  return best;
}

}  // namespace

std::expected<answer_format, int> negotiate(const interaction_request& request) {
  answer_format out;
  const media* chosen = nullptr;
  if (const auto asked = parameter(request, "_format"); !is_blank(asked)) {
    // A plus sign that was not encoded arrives as a blank.
    std::string name = lower(trimmed(asked));
    std::ranges::replace(name, ' ', '+');
    const auto found = std::ranges::find(formats, name, &media::asked);
    if (found == formats.end()) return std::unexpected(415);
    chosen = &*found;
  } else {
    chosen = chosen_by(request.accept && !is_blank(*request.accept) ? std::string_view(*request.accept) : "*/*"sv);
    if (!chosen) return std::unexpected(406);
  }
  out.media_type = chosen->type;
  out.xml = chosen->xml;
  out.html = out.media_type == "text/html";
  out.pretty = parameter(request, "_pretty") == "true";
  if (const auto summary = parameter(request, "_summary"); summary == "true" || summary == "text" || summary == "data")
    out.summary = summary;
  return out;
}

}  // namespace dsf::fhir
