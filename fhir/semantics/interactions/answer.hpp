// How an interaction answers: negotiated format, common headers, Prefer (dsf-fhir-server 3.1 to 3.3). Private to the interactions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fhir/semantics/interactions/operations.hpp"

namespace dsf::fhir {

struct answer_format {
  std::string media_type;
  bool xml = false;
  bool html = false;
  bool pretty = false;
  std::string summary;
};
// status 415 or 406 if nothing fits.
std::expected<answer_format, int> negotiate(const interaction_request& request);
// Is the Content-Type a FHIR one, and which: true = XML; nothing: 415.
std::optional<bool> body_is_xml(const std::optional<std::string>& content_type);

enum class prefer_return : std::uint8_t { representation, minimal, operation_outcome };
struct preferences {
  prefer_return back = prefer_return::representation;
  bool strict = false;
};
preferences parse_prefer(const std::optional<std::string>& header);

// All answers of one request.
class answerer {
public:
  answerer(const interaction_request& request, const endpoint_config& config, answer_format format)
      : base_url_(config.base_url),
        format_(std::move(format)),
        prefer_(parse_prefer(request.prefer)),
        head_(request.method == http_method::head) {}

  [[nodiscard]] reply empty(int status) const;
  [[nodiscard]] reply outcome(int status, base::json operation_outcome) const;
  [[nodiscard]] reply outcome(int status, std::string_view severity, std::string_view code, std::string text) const;
  [[nodiscard]] reply bytes(int status, std::shared_ptr<const std::string> json) const;
  [[nodiscard]] reply fault(op_fault fault) const;
  [[nodiscard]] prepared stop(op_fault fault) const;
  // Answer to a create (201) or update (200), by Prefer. `body` is the stored form without version and time.
  [[nodiscard]] reply stored(int status, const written& w, const storable& body) const;
  // ETag, Last-Modified and, if asked for, Location.
  void version_headers(reply& r, std::string_view type, base::uuid id, std::uint64_t version, base::timestamp last_updated,
                       bool location) const;
  [[nodiscard]] const preferences& prefer() const { return prefer_; }
  [[nodiscard]] const answer_format& format() const { return format_; }

private:
  std::string base_url_;
  answer_format format_;
  preferences prefer_;
  bool head_;
};

// Reads the body of a create or update of `type`.
struct request_body {
  base::json resource;
  std::vector<issue> issues;  // faults that authorization comes before
};
op_result<request_body> read_body(const interaction_request& request, std::string_view type);

// One file per interaction.
prepared prepare_create(const interaction_request& request, const interaction_context& context, const answerer& answer,
                        std::string_view type);
prepared prepare_read(const interaction_request& request, const interaction_context& context, const answerer& answer, std::string_view type,
                      base::uuid id, std::optional<std::uint64_t> version);
prepared prepare_update(const interaction_request& request, const interaction_context& context, const answerer& answer,
                        std::string_view type, base::uuid id);
prepared prepare_patch(const interaction_request& request, const interaction_context& context, const answerer& answer,
                       std::string_view type, base::uuid id);
prepared prepare_conditional_update(const interaction_request& request, const interaction_context& context, const answerer& answer,
                                    std::string_view type);
prepared prepare_remove(const interaction_request& request, const interaction_context& context, const answerer& answer,
                        std::string_view type, base::uuid id);
prepared prepare_conditional_remove(const interaction_request& request, const interaction_context& context, const answerer& answer,
                                    std::string_view type);
prepared prepare_search(const interaction_request& request, const interaction_context& context, const answerer& answer,
                        std::string_view type);
prepared prepare_history(const interaction_request& request, const interaction_context& context, const answerer& answer,
                         std::string_view type, base::uuid id);
prepared prepare_type_history(const interaction_request& request, const interaction_context& context, const answerer& answer,
                              std::string_view type);
prepared prepare_system_history(const interaction_request& request, const interaction_context& context, const answerer& answer);
prepared prepare_purge(const interaction_context& context, const answerer& answer, std::string_view type, base::uuid id);
prepared prepare_bundle(const interaction_request& request, const interaction_context& context, const answerer& answer);
// Operations: of a type, or with an id of one resource.
prepared prepare_snapshot(const interaction_request& request, const interaction_context& context, const answerer& answer,
                          std::optional<base::uuid> id);
prepared prepare_validate(const interaction_request& request, const interaction_context& context, const answerer& answer,
                          std::string_view type, std::optional<base::uuid> id);
prepared prepare_expand(const interaction_request& request, const interaction_context& context, const answerer& answer,
                        std::optional<base::uuid> id);
prepared prepare_metadata(const interaction_context& context, const answerer& answer);

// The JSON text of a searchset (3.4, 1.5); shared with bundle entries.
op_result<std::string> search_bundle(const op_scope& scope, std::string_view type, const query_list& query, bool strict);

}  // namespace dsf::fhir
