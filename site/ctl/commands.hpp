// What dsfctl's commands do, without the parsing of their options. They print to `o` and return the first error.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "site/admin/admin_client.hpp"
#include "site/ctl/output.hpp"
#include "site/settings/load.hpp"

namespace dsf::site::ctl {

using base::result;

// A running site.
result<> status(ctl_output& o, admin_calls& site);
result<> instances(ctl_output& o, admin_calls& site, instance_filter filter, bool all);
result<> instance_show(ctl_output& o, admin_calls& site, const std::string& id);
result<> instance_cancel(ctl_output& o, admin_calls& site, const std::string& id, const std::string& reason);
result<> incidents(ctl_output& o, admin_calls& site, incident_filter filter);
result<> incident_retry(ctl_output& o, admin_calls& site, const std::vector<std::string>& ids);
result<> incident_cancel(ctl_output& o, admin_calls& site, const std::vector<std::string>& ids);
result<> why(ctl_output& o, admin_calls& site, const std::string& business_key);
result<> partners(ctl_output& o, admin_calls& site);
result<> actors(ctl_output& o, admin_calls& site, std::uint32_t limit);
result<> workers(ctl_output& o, admin_calls& site);
result<> task_start(ctl_output& o, admin_calls& site, const start_request& request);
result<> task_complete(ctl_output& o, admin_calls& site, const user_task_completion& completion);
result<> import(ctl_output& o, admin_calls& site, const std::string& path);
result<> cohort_query(ctl_output& o, admin_calls& site, const std::vector<std::string>& query_files);
result<> handler_hold(ctl_output& o, admin_calls& site, const std::string& class_name, bool hold);
result<> watch(ctl_output& o, admin_client& site);
result<> shutdown(ctl_output& o, admin_calls& site, const std::string& reason);

// "system|code=value", "code=value"; a value of type reference with `reference`.
result<task_input> parse_input(const std::string& text, bool reference);
// "name=value"
result<std::pair<std::string, std::string>> parse_pair(const std::string& text);

// What needs no running site.
struct pki_options {
  std::string folder;
  std::vector<std::string> sites;          // server and client certificate each
  std::vector<std::string> practitioners;  // e-mail addresses
  std::vector<std::string> names;          // more host names for server certificates
};
result<> pki(ctl_output& o, const pki_options& options);

struct site_init_options {
  std::string store;                 // folder; empty: data, beside the settings
  std::string folder;
  std::string organization;
  std::string base_url;
  std::string certificates;  // folder made by `pki`; empty: paths are left to be filled in
  std::vector<std::string> roles;
  std::string contact;                      // for the site card: an e-mail address, who to call
};
result<> site_init(ctl_output& o, const site_init_options& options);

// What the consortium needs for its allow-list: identifier, address, both thumbprints, contact. No secrets.
result<> site_card(ctl_output& o, const loaded_settings& settings, const std::string& contact);

struct cohort_options {
  std::string data, mapping, tree, day;
  std::vector<std::string> queries;
};
result<> cohort_count(ctl_output& o, const cohort_options& options);

}  // namespace dsf::site::ctl
