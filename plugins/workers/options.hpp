// What the settings say of workers, and what operators see of them. Plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace dsf::plugins {

struct worker_grant;

// A plugin whose handlers run in workers: what it is, and to what the site limits the permissions of its bundles (workers.plugins.<name>).
struct worker_plugin {
  std::vector<std::string> processes;     // keys: all their handlers run in workers
  std::optional<std::vector<std::string>> services;  // not set: as the bundles say
  std::optional<std::vector<std::string>> settings;  // names in process_environment; not set: as the bundles say
  std::vector<std::string> stores;                   // names in feasibility.stores; those of the bundles that are not here are not there
  std::vector<std::string> connections;              // names in fhir_connections.file; as the stores
  std::vector<std::string> certificates;  // common names of the certificates with which a worker may come over TCP
  bool cohort_count = false;              // exact counts of the site's own repository
};

struct worker_options {
  std::string socket;              // path; empty: none
  std::vector<std::string> users;  // who may connect to it beside the program's own user and root
  bool tcp = false;
  std::string address;
  std::uint16_t port = 0;  // 0: any free one
  std::string certificate, key, trust;  // PEM files, for TCP
  std::int64_t lease_us = 30'000'000;
  std::int64_t wait_us = 10'000'000;  // how long an activation waits for a worker that is not there
  std::size_t sessions = 64;
  std::size_t queue = 10'000;  // activations that wait
  std::size_t message_bytes = 16 << 20;
  std::size_t calls = 16;  // host service calls of one session under way
  unsigned call_threads = 4;
  std::map<std::string, worker_plugin> plugins;
  std::map<std::string, std::string> settings;  // process_environment, of which a plugin sees its part
  // The manifests that have a process, with version "" those of all its versions. Thread-safe. Empty: no bundles, so nothing is granted.
  std::function<std::vector<std::shared_ptr<const worker_grant>>(std::string_view process_key, std::string_view version_tag)> grants;
  std::string organization, base_url;           // of the site, for the welcome
};

struct worker_line {
  std::string session;
  std::string worker;   // over TLS the certificate's name, else what it says of itself
  std::string plugin;
  std::string address;
  std::vector<std::string> handlers;  // key|version|class; an empty version stands for all
  std::uint32_t credits = 0;
  std::uint32_t running = 0;  // activations it has
  std::uint64_t done = 0;     // outcomes it gave
  std::uint64_t lost = 0;     // leases it let expire
  bool draining = false;
  base::timestamp connected;
  base::timestamp last_heard;
};

}  // namespace dsf::plugins
