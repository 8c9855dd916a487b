// Any resource as fields and values, and as JSON and XML.
#pragma once

#include "base/json.hpp"
#include "web/frame.hpp"

namespace dsf::web {

page resource_page(const visitor& who, const base::json& resource, bool old_version);

// The parts other pages are made of.
html resource_fields(const visitor& who, const base::json& resource);
// JSON and XML, folded.
html raw_forms(const visitor& who, const base::json& resource, const std::string& address);
// Of its status, version, time and links.
html resource_heading(const visitor& who, const base::json& resource);
// Name, title, identifier or id: what people call it.
std::string label_of(const base::json& resource);
// "dsfdev_ping" of "http://dsf.dev/bpe/Process/ping|1.0": the part that people read.
std::string_view last_part(std::string_view canonical);
// A Reference as a link, by what it has.
html reference_link(const visitor& who, const base::json& reference);
// The way to a resource: its type, its id.
std::vector<crumb> way_to(const visitor& who, const base::json& resource);

}  // namespace dsf::web
