// Many Tasks put into a site's store while its dsfd is away: each with the index entries, access class and body that the endpoint would give it, many in
// one commit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace dsf::bench {

struct task_crowd {
  std::uint64_t tasks = 0;
  std::string base_url;  // of the site
  std::string local;  // identifier of its organisation, the recipient of all
  std::string remote;  // requester of one in fifty; the others are spread over organisations that the allow-list does not know
};

struct crowd_made {
  double seconds = 0;
  std::uint64_t rare = 0;  // of status failed
  std::uint64_t common = 0;  // of status completed
  std::uint64_t remote_rare = 0;  // of these, the remote organisation's
  std::uint64_t remote_common = 0;
  std::vector<std::string> ids;  // some of them, spread over all
};

base::result<crowd_made> make_crowd(const std::filesystem::path& store, const task_crowd& what);
// What `dsfctl store verify` does: an error if the index is not the one that the resources give. No program may have the store open.
base::result<> verify_crowd(const std::filesystem::path& store, const std::string& base_url);

}  // namespace dsf::bench
