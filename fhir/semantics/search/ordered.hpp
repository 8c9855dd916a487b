// A page of a search without looking at all that matches: a snapshot that also keeps the resources of a type in the order of their last update, grouped
// by the values of one search parameter and by access class (docs/design.md, decision 14).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fhir/semantics/search/run.hpp"

namespace dsf::fhir {

struct ordered_request {
  std::string_view type;
  // Both are asked once for each group, not for each resource.
  std::function<bool(std::span<const std::string> values)> accepts;
  std::function<bool(std::string_view access_class, const resource_view& view)> readable;
  // from <= last update < to, in microseconds
  std::int64_t from = INT64_MIN;
  std::int64_t to = INT64_MAX;
  bool newest_first = false;
  // Of `total` matches: the first one that is shown, and how many.
  std::function<std::pair<std::size_t, std::size_t>(std::size_t total)> window;
};

struct ordered_page {
  std::shared_ptr<const resource_view> view;  // what it was read from; not older than the one that was asked
  std::size_t total = 0;
  std::vector<stored_resource> rows;
};

class ordered_view : public resource_view {
public:
  // The parameter whose values are kept.
  [[nodiscard]] virtual std::string_view ordered_parameter() const = 0;
  // Nothing: the type is not kept, or not yet. With `wait`, only the former.
  virtual base::result<std::optional<ordered_page>> page(const ordered_request& request, bool wait) const = 0;
};

// The request for what a query asks, but for its window; nothing if such groups can't answer it. The query and the scope must outlive it.
std::optional<ordered_request> ordered_request_of(const search_query& query, const search_scope& scope, std::string_view parameter);

}  // namespace dsf::fhir
