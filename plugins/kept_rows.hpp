// The copies of plugins that were deployed while running, in table M.
#pragma once

#include <string>
#include <string_view>

#include "plugins/bundle.hpp"
#include "storage/store.hpp"

namespace dsf::plugins {

inline constexpr std::string_view kept_prefix = "plugin/";       // name|resource version -> JSON
inline constexpr std::string_view file_prefix = "plugin-file/";  // name|resource version/file -> its text

inline std::string identity(const bundle& b) { return b.name + "|" + b.resource_version; }

// One commit: the next start does not find it.
base::result<> forget_kept(storage::store& store, const bundle& b);

}  // namespace dsf::plugins
