// Small files beside the rows: read at once, written whole or not at all.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "storage/errors.hpp"

namespace dsf::storage {

// The first 4 KiB; nothing if there is no such file.
result<std::optional<std::string>> read_small(const std::filesystem::path& file);
// Replaces what is there; durable when it returns.
result<void> write_small(const std::filesystem::path& file, std::string_view text, unsigned mode = 0640);

}  // namespace dsf::storage
