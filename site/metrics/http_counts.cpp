#include "site/metrics/http_counts.hpp"

#include <algorithm>
#include <array>

#include "fhir/semantics/names.hpp"

namespace dsf::site {
namespace {

using namespace std::string_view_literals;
using fhir::names::served_types;

constexpr std::array methods{"GET"sv, "HEAD"sv, "POST"sv, "PUT"sv, "DELETE"sv, "other"sv};
// What the endpoint answers; anything else counts as its hundred.
constexpr std::array statuses{200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 406, 408, 409,
                              410, 412, 413, 415, 422, 429, 431, 500, 501, 503, 100, 300};

enum fixed_route : std::size_t { other, root, metadata, history, ws, fixed_routes };
constexpr std::array fixed_names{"other"sv, ""sv, "metadata"sv, "_history"sv, "ws"sv};
enum form : std::size_t { of_type, of_id, of_version, operation, forms };
constexpr std::array form_ends{""sv, "/{id}"sv, "/{id}/_history/{version}"sv, "/${operation}"sv};
constexpr std::size_t route_count = fixed_routes + served_types.size() * forms;

constexpr std::uint64_t bounds_us[] = {100,    250,    500,     1'000,   2'500,   5'000,     10'000,
                                       25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000, 5'000'000};

std::string route_name(std::size_t route) {
  if (route < fixed_routes) return route == other ? std::string(fixed_names[other]) : "/" + std::string(fixed_names[route]);
  route -= fixed_routes;
  return "/" + std::string(served_types[route / forms]) + std::string(form_ends[route % forms]);
}

std::size_t method_index(std::string_view method) {
  const auto at = std::ranges::find(methods, method) - methods.begin();
  return std::min(static_cast<std::size_t>(at), methods.size() - 1);
}

std::size_t status_index(int status) {
  const auto find = [](int s) { return static_cast<std::size_t>(std::ranges::find(statuses, s) - statuses.begin()); };
  if (const auto exact = find(status); exact < statuses.size()) return exact;
  if (const auto hundred = find(status / 100 * 100); hundred < statuses.size()) return hundred;
  return find(500);
}

// The path's parts, without query; at most five.
struct parts {
  std::array<std::string_view, 5> at;
  std::size_t count = 0;
};
parts split(std::string_view path) {
  parts out;
  while (!path.empty() && out.count < out.at.size()) {
    const auto slash = path.find('/');
    if (slash != 0) out.at[out.count++] = path.substr(0, slash);
    if (slash == path.npos) break;
    path.remove_prefix(slash + 1);
  }
  return out;
}

}  // namespace

struct http_counts::counts {
  std::array<std::atomic<std::uint64_t>, methods.size() * statuses.size()> answers{};
  base::histogram us{bounds_us};
};

http_counts::http_counts(std::string base_path)
    : base_path_(std::move(base_path)), routes_(std::make_unique<std::atomic<counts*>[]>(route_count)) {}

http_counts::~http_counts() {
  for (std::size_t i = 0; i < route_count; ++i) delete routes_[i].load();
}

std::size_t http_counts::index_of(std::string_view target) const noexcept {
  auto path = target.substr(0, target.find('?'));
  if (!path.starts_with(base_path_)) return other;
  path.remove_prefix(base_path_.size());
  if (!path.empty() && path.front() != '/') return other;
  const auto p = split(path);
  if (p.count == 0) return root;
  if (p.count == 1)
    for (const auto fixed : {metadata, history, ws})
      if (p.at[0] == fixed_names[fixed]) return fixed;
  const auto type = static_cast<std::size_t>(std::ranges::find(served_types, p.at[0]) - served_types.begin());
  if (type == served_types.size() || p.count > 4) return other;
  const auto at = fixed_routes + type * forms;
  if (p.count == 1) return at + of_type;
  if (p.count > 2 && p.at[2] == "_history") return at + of_version;
  if (p.at[p.count - 1].starts_with('$') || p.at[p.count - 1].starts_with('_')) return at + operation;
  return p.count == 2 ? at + of_id : other;
}

std::string http_counts::route_of(std::string_view target) const { return route_name(index_of(target)); }

http_counts::counts& http_counts::at(std::size_t route) noexcept {
  auto& slot = routes_[route];
  if (auto* there = slot.load(std::memory_order_acquire)) return *there;
  auto fresh = std::make_unique<counts>();
  counts* expected = nullptr;
  if (slot.compare_exchange_strong(expected, fresh.get(), std::memory_order_acq_rel)) return *fresh.release();
  return *expected;
}

void http_counts::answered(std::string_view method, std::string_view target, int status, std::int64_t us) noexcept {
  auto& c = at(index_of(target));
  c.answers[method_index(method) * statuses.size() + status_index(status)].fetch_add(1, std::memory_order_relaxed);
  c.us.observe(static_cast<std::uint64_t>(std::max<std::int64_t>(0, us)));
}

void http_counts::add_to(metrics_page& page) const {
  for (std::size_t route = 0; route < route_count; ++route) {
    const auto* c = routes_[route].load(std::memory_order_acquire);
    if (!c) continue;
    const auto name = route_name(route);
    for (std::size_t m = 0; m < methods.size(); ++m)
      for (std::size_t s = 0; s < statuses.size(); ++s)
        if (const auto n = c->answers[m * statuses.size() + s].load(std::memory_order_relaxed); n > 0)
          page.add(metric::http_requests, static_cast<double>(n), {name, methods[m], std::to_string(statuses[s])});
    page.add(metric::http_duration, c->us.read(), 1e6, {name});
  }
}

}  // namespace dsf::site
