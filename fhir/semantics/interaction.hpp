// The FHIR interactions as pure functions: a request and a snapshot go in; an answer, or a write set and the answer after its commit, come out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "base/json.hpp"
#include "fhir/semantics/conformance_cache.hpp"
#include "fhir/semantics/directory.hpp"
#include "fhir/semantics/identity.hpp"
#include "fhir/semantics/process_authorization.hpp"
#include "fhir/semantics/view.hpp"
#include "fhir/semantics/write.hpp"

namespace dsf::fhir {

enum class http_method : std::uint8_t { get, head, post, put, remove, other, options, patch };

struct interaction_request {
  http_method method = http_method::get;
  std::string path;  // below the base, without slashes at its ends: "", "Task", "Task/<id>/_history/2"
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  // Header lines as received; nothing if absent.
  std::optional<std::string> accept, content_type, prefer, if_match, if_none_match, if_modified_since, if_unmodified_since, if_none_exist;
  std::string body;
};

struct endpoint_config {
  std::string base_url;  // "https://host/fhir", no slash at the end
  std::string organization_identifier;  // of the local organisation
  int page_count = 20;
  int zone_offset_minutes = 0;  // for search values without time zone
  std::size_t max_candidates = 100'000;  // resources a search may look at
  std::size_t max_bundle_entries = 5'000;
  std::size_t max_history_rows = 2'000'000;  // versions a history may look at
  std::string software_version = "0.1.0";
  std::string release_date = "2026-05-01";
};

struct interaction_context {
  const resource_view& view;
  const identity& who;
  const endpoint_config& config;
  base::timestamp now;
  base::entropy& entropy;
  const directory& allow_list;
  const process_authorizations& processes;
  const conformance_cache& conformance;
};

struct reply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // without Content-Type
  // No body, bytes as stored, or a resource to be rendered.
  std::variant<std::monostate, std::shared_ptr<const std::string>, base::json> body;
  std::string media_type = "application/fhir+xml";  // Content-Type is this + ";charset=UTF-8"
  bool xml = true;  // bytes and resource are JSON; the caller turns them into XML if set
  bool html = false;  // text/html was asked for
  bool pretty = false;
  std::string summary;  // _summary=true|text|data, to be applied to each resource; empty: none
  bool head_only = false;  // send the headers of the body, but not the body

  [[nodiscard]] bool has_body() const { return !std::holds_alternative<std::monostate>(body); }
  [[nodiscard]] const std::string* header(std::string_view name) const;
};

// A literal reference to another server, to be asked there with HEAD before the commit (dsf-fhir-server 4.2).
struct external_reference {
  std::string base;  // address of a known active Endpoint
  std::string type;
  std::string id;
  std::string version;  // may be empty
  std::string path;  // Task.input[2].valueReference
  std::string reference;  // as written
  std::string source_type;  // of the resource that holds it
  std::string source_id;
  [[nodiscard]] std::string url() const;
};
// status: what HEAD answered, 0 if there was no answer. Nothing: the reference is good.
std::optional<reply> external_reference_reply(const external_reference& r, int status, const interaction_request& request,
                                              const interaction_context& context);

struct pending_commit {
  write_set writes;
  std::vector<external_reference> external_checks;  // all must be good before the commit
  std::function<reply(const std::vector<written>&)> after;  // holds copies of all it needs
};

class batch_work;  // batch.hpp

struct prepared {
  std::variant<reply, pending_commit, std::shared_ptr<batch_work>> outcome;
  std::vector<std::string> denials;  // why access was denied; for the log only, never for the client

  [[nodiscard]] const reply* if_reply() const { return std::get_if<reply>(&outcome); }
  [[nodiscard]] pending_commit* if_pending() { return std::get_if<pending_commit>(&outcome); }
  [[nodiscard]] std::shared_ptr<batch_work>* if_batch() { return std::get_if<std::shared_ptr<batch_work>>(&outcome); }
};

// Never fails: errors of the view become 500.
prepared prepare(const interaction_request& request, const interaction_context& context);

// What a commit that was refused means for the client once preparing again did not help.
enum class commit_conflict : std::uint8_t { duplicate, version, changed };
reply conflict_reply(commit_conflict why, const interaction_request& request, const interaction_context& context, std::string_view type,
                     std::string_view id = {}, std::uint64_t expected = 0, std::uint64_t current = 0);
// 503 with Retry-After: the request is right, and the site can't do it now.
reply unavailable_reply(const interaction_request& request, const endpoint_config& config, std::string why, int retry_after_s);

}  // namespace dsf::fhir
