// What a bundle's answer says of each entry (dsf-fhir-server 3.9). Private to the interactions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fhir/semantics/interactions/answer.hpp"

namespace dsf::fhir {

struct entry_answer {
  int status = 200;
  std::string type;
  base::uuid id;
  std::optional<std::size_t> write;  // index into the write set; version and time come from the commit
  storable body;  // of that write
  std::uint64_t version = 0;  // of what was there before
  base::timestamp last_updated;
  std::string resource;  // JSON text to show; empty: none
  std::optional<base::json> outcome;
  bool has_version = false;  // location, etag and lastModified are told
  bool show_resource = false;  // the written resource, if representations are wanted
};

// One entry as JSON. `commits`: what the store answered to the write set.
std::string entry_text(const entry_answer& a, const answerer& answer, const endpoint_config& config, const std::vector<written>& commits);
// The entry of a batch that ended with an error.
std::string failed_entry_text(const reply& r);
// 200 with the Bundle: "transaction-response" or "batch-response".
reply bundle_reply(std::string_view type, const std::vector<std::string>& entries, const answerer& answer);

}  // namespace dsf::fhir
