#include "site/ctl/data_command.hpp"

#include <fmt/format.h>

#include <ostream>

#include "actors/erasure.hpp"
#include "site/version.hpp"
#include "storage/erase.hpp"
#include "storage/store.hpp"

namespace dsf::site::ctl {
namespace {

base::result<> is_meant(const erase_options& options) {
  if (options.yes) return {};
  return base::fail(admin_errc::invalid, "what is erased can't be brought back, not from backups either. Say --yes if that is meant",
                    options.what);
}

base::result<std::unique_ptr<storage::store>> open(const erase_options& options) {
  TRY(is_meant(options));
  storage::store_options so;
  so.path = options.store;
  so.master_key_file = options.master_key;
  so.create = false;
  so.release = std::string(release);
  return storage::store::open(std::move(so));
}

constexpr std::string_view of_instance =
    "its log, and its Tasks: they are resources with keys of their own. Copies of data keys made before must be removed too.";
constexpr std::string_view of_resource =
    "what searches find it by: identifiers, status, dates. Copies of data keys made before must be removed too.";

void say(ctl_output& o, const erase_options& options, std::string_view what_stays) {
  if (o.json)
    o.out << base::json(base::json::object{{"erased", options.what}}).dump() << "\n";
  else
    o.out << fmt::format("Erased: all that {} kept under its data key. The key is in no file of the store any more.\nNot erased: {}\n",
                         options.what, what_stays);
}

}  // namespace

base::result<> erase_instance(ctl_output& o, const erase_options& options) {
  const auto store = TRY(open(options));
  const auto id = TRY(store->internal_id_of(options.what));
  TRY(storage::erase_instance(*store, id.instance));
  say(o, options, of_instance);
  return store->close();
}

base::result<> erase_resource(ctl_output& o, const erase_options& options) {
  const auto slash = options.what.find('/');
  const auto id = base::uuid::parse(std::string_view(options.what).substr(slash == std::string::npos ? options.what.size() : slash + 1));
  if (slash == 0 || slash == std::string::npos || !id)
    return base::fail(admin_errc::invalid, "a resource is named as Type/id, with a UUID as id", options.what);
  const auto store = TRY(open(options));
  TRY(actors::erase_resource(*store, options.what.substr(0, slash), *id));
  say(o, options, of_resource);
  return store->close();
}

base::result<> erase_on_site(ctl_output& o, admin_calls& site, const erase_options& options) {
  TRY(is_meant(options));
  TRY(site.erase_data(options.what, options.yes));
  say(o, options, options.what.find('/') == std::string::npos ? of_instance : of_resource);
  return {};
}

}  // namespace dsf::site::ctl
