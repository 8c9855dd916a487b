// What was promised and what was seen: the invariants of a run.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "tests/simulation/site.hpp"

namespace dsf::simulation {

// A process that a person starts at a site, by a Task that is posted until it is answered.
struct work_item {
  unsigned site = 0;
  bool ask = false;           // else ping
  std::string business_key;
  std::string body;
  std::string identifier;
  std::int64_t due_us = 0;    // of the first or next attempt
  bool posted = false;        // an attempt is under way
  bool accepted = false;      // 200 or 201 was received
};

class ledger {
public:
  // After a group of commits of a site: what it changed must fit together.
  void after_commits(unsigned n, site_parts& site, std::span<const storage::feed_entry> entries);
  // After a restart: nothing that was answered is gone.
  void after_restart(unsigned n, site_parts& site, std::uint64_t answered);
  // Everything that was started has ended in the right way, and nothing is left of it; else what is missing.
  [[nodiscard]] std::string missing(unsigned n, site_parts& site, const std::vector<work_item>& items, unsigned sites) const;
  // The engine of a split site stands at this place; of what lives there at the endpoint only copies are here.
  void halves(unsigned endpoint, unsigned engine) {
    endpoints_.insert(endpoint);
    engines_.insert(engine);
  }
  [[nodiscard]] const std::string& fault() const { return fault_; }
  void broken(unsigned n, const std::string& text);

  // The Tasks of a site that are in progress, in a fixed order.
  [[nodiscard]] std::vector<base::uuid> in_progress(unsigned n) const;

private:
  struct task_facts_seen {
    std::uint64_t version = 0;
    std::string status;
    std::string business_key, message, process, correlation_key, outbox_id;
  };
  struct seen_at_site {
    std::map<base::uuid, task_facts_seen> tasks;
    std::map<std::string, base::uuid> by_outbox_id, by_message;
    std::set<base::uuid> trimmed;
  };
  void look_at_task(unsigned n, const storage::store_view& view, base::uuid id, std::uint64_t version, bool reread);
  void look_at_trimmed(unsigned n, base::uuid id);
  bool still_there(unsigned n, const storage::store_view& view, base::uuid id);
  void look_at_instance(unsigned n, site_parts& site, const storage::store_view& view, std::uint64_t instance);
  void look_at_inbox(unsigned n, const storage::store_view& view);
  [[nodiscard]] std::string wrong_outputs(const base::json& task, const work_item& item, unsigned n, unsigned sites) const;

  std::map<unsigned, seen_at_site> sites_;
  std::set<unsigned> endpoints_, engines_;
  std::string fault_;
};

}  // namespace dsf::simulation
