// dsfctl retention and dsfctl store.
#pragma once

#include <string>

#include "site/admin/admin_port.hpp"
#include "site/ctl/output.hpp"
#include "site/settings/load.hpp"

namespace dsf::site::ctl {

base::result<> retention_status(ctl_output& o, admin_calls& site);
base::result<> retention_run(ctl_output& o, admin_calls& site, bool dry_run);

struct store_places {
  std::string backup, store, keys;
};
// Of a running site.
// What a site whose store was made of a backup would do next, and the word that lets it.
base::result<> store_restored(ctl_output& o, admin_calls& site);
base::result<> store_release(ctl_output& o, admin_calls& site, bool yes);
base::result<> store_backup(ctl_output& o, admin_calls& site, const store_places& options);
base::result<> store_keys(ctl_output& o, admin_calls& site, const std::string& file);
// Without one.
base::result<> store_restore(ctl_output& o, const store_places& options);
// Compares the index of a site's store with one made anew of its resources. An error if they differ.
base::result<> store_verify(ctl_output& o, const loaded_settings& settings);
base::result<> store_check(ctl_output& o, const std::string& path);

}  // namespace dsf::site::ctl
