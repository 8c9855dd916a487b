#include "storage/repository/cohort_tool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "privacy/cohort.hpp"

namespace dsf::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t max_file_bytes = 256 << 20;

result<std::string> read_file(const fs::path& file) {
  std::error_code ec;
  const auto size = fs::file_size(file, ec);
  if (ec) return fail(errc::io, fmt::format("the file can't be read: {}", ec.message()), file.string());
  if (size > max_file_bytes)
    return fail(errc::too_large, fmt::format("the file has {} bytes; at most {} are read", size, max_file_bytes), file.string());
  std::string out(size, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(out.data(), static_cast<std::streamsize>(size));
  if (static_cast<std::uintmax_t>(in.gcount()) != size) return fail(errc::io, "reading failed", file.string());
  return out;
}

// The error with the file before its place.
template <class T>
result<T> in_file(result<T> r, const std::string& file) {
  if (r) return r;
  return base::failure(base::error(base::errc::parse, r.error().to_string(), file));
}

result<privacy::clinical_index> index_folder(const fs::path& folder) {
  std::error_code ec;
  std::vector<fs::path> files;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec))
    if (it->path().extension() == ".ndjson") files.push_back(it->path());
  if (ec) return fail(errc::io, fmt::format("the folder can't be read: {}", ec.message()), folder.string());
  if (files.empty()) return fail(errc::not_found, "the folder holds no .ndjson file", folder.string());
  std::ranges::sort(files);
  privacy::clinical_index index;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    std::size_t number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      const auto place = fmt::format("{}:{}", file.string(), number);
      const auto resource = TRY(in_file(base::json::parse(line), place));
      TRY(in_file(index.add(resource), place));
    }
    if (in.bad() || !in.eof()) return fail(errc::io, "reading failed", file.string());
  }
  TRY(in_file(index.seal(), folder.string()));
  return index;
}

}  // namespace

result<std::vector<cohort_count_line>> cohort_count_folder(const cohort_count_request& request) {
  const auto day = privacy::parse_day(request.day);
  if (!day) return fail(base::errc::invalid_argument, fmt::format("'{}' is no calendar day; write it as YYYY-MM-DD", request.day), "--day");
  const auto map = TRY(in_file(privacy::mapping::parse(TRY(read_file(request.mapping))), request.mapping.string()));
  const auto tree = TRY(in_file(privacy::ontology_tree::parse(TRY(read_file(request.tree))), request.tree.string()));
  // Queries are read before the data, which take longer.
  std::vector<privacy::ccdl_query> queries;
  for (const auto& file : request.queries) queries.push_back(TRY(in_file(privacy::parse_ccdl(TRY(read_file(file))), file.string())));
  const auto index = TRY(index_folder(request.data));
  std::vector<cohort_count_line> out;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const auto file = request.queries[i].string();
    out.push_back({file, TRY(in_file(privacy::count_cohort(index, queries[i], map, tree, *day), file)).count});
  }
  return out;
}

std::string to_text(std::span<const cohort_count_line> lines) {
  std::string out;
  for (const auto& l : lines) out += fmt::format("{} {}\n", l.query, l.count);
  return out;
}

}  // namespace dsf::storage
