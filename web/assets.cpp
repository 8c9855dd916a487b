#include "web/assets.hpp"

#include <algorithm>

namespace dsf::web {

const embedded_file* find_asset(std::string_view name) {
  const auto files = embedded_files();
  const auto found = std::ranges::find(files, name, &embedded_file::name);
  return found == files.end() ? nullptr : &*found;
}

std::string_view media_type_of(const embedded_file& file) {
  if (file.name.ends_with(".css")) return "text/css;charset=UTF-8";
  if (file.name.ends_with(".js")) return "text/javascript;charset=UTF-8";
  return "image/svg+xml";
}

}  // namespace dsf::web
