// The files under <base>/static/ (dsf-fhir-server 7).
#pragma once

#include <span>
#include <string_view>

namespace dsf::web {

struct embedded_file {
  std::string_view name;
  std::string_view text;
};
std::span<const embedded_file> embedded_files();

// Null: there is no such file.
const embedded_file* find_asset(std::string_view name);
std::string_view media_type_of(const embedded_file& file);

}  // namespace dsf::web
