// The files of a plugin bundle, wherever they lie: a folder, a zip, or memory.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dsf::plugins {

class bundle_files {
public:
  // A folder with plugin.yaml, or a zip with plugin.yaml at its root or in its only folder.
  static base::result<bundle_files> open(const std::filesystem::path& folder_or_zip);
  static bundle_files in_memory(std::string place, std::map<std::string, std::string> files);

  base::result<std::string> read(std::string_view name) const;
  // For error texts: where the file lies.
  [[nodiscard]] std::string place(std::string_view name) const;
  // As given to open(), without the folders above it: what says whether the bundle is a draft (dsf-bpe 3.2).
  [[nodiscard]] const std::string& file_name() const { return file_name_; }

private:
  std::string root_;
  std::string file_name_;
  bool folder_ = false;
  std::map<std::string, std::string, std::less<>> files_;
};

}  // namespace dsf::plugins
