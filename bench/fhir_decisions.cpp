// fhir.identity and fhir.read_access: what every request is asked first, inside this program, over the store that dsfd has left.
#include <fmt/format.h>

#include "actors/endpoint_caches.hpp"
#include "actors/peer_facts.hpp"
#include "bench/fhir_run.hpp"
#include "fhir/semantics/access.hpp"
#include "net/tls.hpp"
#include "storage/store.hpp"

namespace dsf::bench {
namespace {

using base::fail;
using base::result;

constexpr double decision_us = 2;
constexpr std::size_t decisions_a_block = 200;  // a clock is not much quicker than a decision
constexpr std::size_t tasks_asked_about = 200;

// `decide` returns what the caller got, so that nothing is left out by the compiler.
template <class Decide>
figure measure(const std::string& name, std::size_t blocks, Decide&& decide) {
  auto& clock = base::system_clock_source();
  std::vector<std::int64_t> samples_ns;
  std::size_t yes = 0;
  const auto from = clock.steady_us();
  for (std::size_t b = 0, n = 0; b < blocks; ++b) {
    const auto began = clock.steady_us();
    for (std::size_t i = 0; i < decisions_a_block; ++i, ++n) yes += decide(n) ? 1 : 0;
    samples_ns.push_back((clock.steady_us() - began) * 1'000 / static_cast<std::int64_t>(decisions_a_block));
  }
  const auto all = static_cast<double>(blocks * decisions_a_block);
  figure f;
  f.name = name;
  f.unit = "us";
  f.value = static_cast<double>(clock.steady_us() - from) / all;
  f.limit = decision_us;
  f.ratio = f.value / f.limit;
  f.must = floor{.value_at_most = decision_us};
  f.p50 = percentile(samples_ns, 0.5) / 1'000;
  f.p99 = percentile(samples_ns, 0.99) / 1'000;
  f.more = {{"share_yes", static_cast<double>(yes) / all}};
  return f;
}

}  // namespace

result<> fhir_run::decisions() {
  storage::store_options so;
  so.path = site().folder / "store";
  so.create = false;
  const auto store = TRY(storage::store::open(std::move(so)));
  actors::endpoint_caches caches(*store, {site().base_url(), site().organization, {}});
  std::vector<net::peer> peers;
  std::vector<fhir::identity> callers;
  for (const auto* s : {&site(), &remote()}) {
    peers.push_back(TRY(net::read_certificate(sites_->file(*s, "client.pem"))));
    auto who = TRY(caches.identify(actors::facts_of(peers.back())));
    if (!who) return fail(base::errc::invalid_argument, "the allow-list does not name a certificate", s->name);
    callers.push_back(std::move(*who));
  }
  const auto facts = TRY(caches.facts());
  const auto view = store->view();
  std::vector<fhir::stored_resource> tasks;
  for (std::size_t i = 0; i < std::min(tasks_asked_about, crowd_.ids.size()); ++i) {
    auto task = TRY(view->current("Task", *base::uuid::parse(crowd_.ids[i])));
    if (!task) return fail(base::errc::invalid_argument, "a Task is gone", crowd_.ids[i]);
    tasks.push_back(std::move(*task));
  }
  const std::size_t blocks = o_.common.quick ? 20 : 5'000;
  std::vector<figure> identity, access;
  for (unsigned run = 0; run < o_.common.runs; ++run) {
    identity.push_back(measure("fhir.identity", blocks, [&](std::size_t n) {
      const auto who = caches.identify(actors::facts_of(peers[n % peers.size()]));
      return who && *who;
    }));
    access.push_back(measure("fhir.read_access", blocks, [&](std::size_t n) {
      return fhir::may_read(tasks[n / 2 % tasks.size()], callers[n % 2], *facts->allow_list, *view);
    }));
  }
  if (wanted("fhir.identity")) out_->add(median_of(identity));
  if (wanted("fhir.read_access")) out_->add(median_of(access));
  return {};
}

}  // namespace dsf::bench
