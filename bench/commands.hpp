// The subcommands of dsf-bench.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "bench/figure.hpp"

namespace dsf::bench {

struct common_options {
  std::filesystem::path folder;    // measured in a folder of its own below this one
  std::filesystem::path models;
  bool quick = false;              // a smoke test: small numbers, one run, no floor is judged
  unsigned runs = 3;
  std::string only;                // names that start with this; empty: all
};

struct engine_options {
  common_options common;
  std::uint64_t waiting = 1'000'000;
  std::uint64_t instances = 20'000;  // of a run of one_task and one_wait
  unsigned in_flight = 256;
  unsigned threads = 0;              // 0: as many as the endpoint has io threads
  bool cross_check = false;          // the commit limit beside db_bench's
};
base::result<> measure_engine(const engine_options& options, report& out);

// Half of engine.waiting_1m each, in a program of its own: makes instances that wait; or, after a restart, ends some of them.
struct waiting_options {
  std::filesystem::path folder;
  std::filesystem::path models;
  std::uint64_t instances = 0;
  unsigned in_flight = 256;
  unsigned threads = 1;
  std::uint64_t first = 0;           // the one that is ended first
  unsigned more = 100;               // after it, one by one
};
// Print one line of JSON. The first then ends without closing its store, as if it were killed.
base::result<> make_waiting(const waiting_options& options);
base::result<> end_waiting(const waiting_options& options);

struct wire_options {
  common_options common;
  std::string dsfd;                  // program
  std::string ping_bundle;           // folder; empty: the shipped one
  unsigned connections = 32;
  unsigned threads = 1;              // of the load generator
  double seconds = 4;                // of a run
  unsigned pings = 16;               // under way at once
  bool open_loop = false;            // then also at 50, 80 and 95 % of each figure
  bool cross_check = false;          // the TLS limit beside wrk's
};
base::result<> measure_wire(const wire_options& options, report& out);

// Any DSF site: reads of what it shows, and Tasks if one is given.
struct target_options {
  common_options common;
  std::string url;                   // its FHIR base
  std::string certificate, key, trust;
  std::string task;                  // file with a Task; its business key is made new each time
  unsigned connections = 32;
  unsigned threads = 1;
  double seconds = 4;
  bool open_loop = false;
};
base::result<> measure_target(const target_options& options, report& out);

struct consortium_options {
  common_options common;
  std::string dsfd;                  // program
  unsigned sites = 40;               // one of them asks, all others hold data
  unsigned requests = 1'000;         // under way at once
  unsigned patients = 200;           // a site
  std::uint16_t first_port = 24'440; // as many ports as sites, and 100 above each for its status
  unsigned timeout_s = 1'800;
};
base::result<> measure_consortium(const consortium_options& options, report& out);

struct fhir_options {
  common_options common;
  std::string dsfd;                  // program
  std::uint64_t tasks = 1'000'000;   // in the store that is searched
  unsigned connections = 64;
  unsigned search_connections = 2;
  unsigned threads = 1;              // of the load generator
  double seconds = 4;                // of a run
  unsigned subscribers = 500;
  unsigned events = 20;              // a second
  bool verify = false;               // the index of the store, at the end
};
base::result<> measure_fhir(const fhir_options& options, report& out);

struct site_options {
  common_options common;
  std::string dsfd;                  // program
  unsigned idle_seconds = 60;        // before memory is looked at
  std::uint16_t first_port = 28'440; // of the demo's sites
};
base::result<> measure_site(const site_options& options, report& out);

// The TLS limit's server: net/https_server with an answer that is always the same. Ends on SIGTERM.
struct tls_server_options {
  std::string certificate, key, trust;
  std::uint16_t port = 0;
  std::string answer;                // file: head and body of the answer, as received
  bool client_certificates = true;   // required; wrk has none
};
base::result<> serve_tls_limit(const tls_server_options& options);

}  // namespace dsf::bench
