// The network between the sites: it delays, re-orders, drops, duplicates and parts. One call is one POST with its answer.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "net/http.hpp"
#include "net/transport.hpp"
#include "tests/simulation/names.hpp"

namespace dsf::simulation {

struct network_faults {
  unsigned drop_percent = 0;       // of requests, and of answers
  unsigned duplicate_percent = 0;  // of requests
  std::int64_t slowest_us = 50'000;
};

class network {
public:
  // Hands a request to a site's endpoint; false: nobody listens there.
  using delivery = std::function<bool(unsigned to, net::request&& request, net::responder answer)>;
  network(const base::clock& time, base::entropy& dice, delivery deliver) : clock_(&time), dice_(&dice), deliver_(std::move(deliver)) {}

  network_faults faults;
  void send(unsigned from, net::client_request request, std::int64_t timeout_ms, net::client_callback done);

  // What arrives now, in no order.
  [[nodiscard]] std::size_t due() const;
  struct happened {
    const char* what = "";
    std::uint64_t call = 0;
    unsigned site = 0;
    int status = 0;
  };
  happened run(std::size_t n);
  [[nodiscard]] std::optional<std::int64_t> next_us() const;

  // The site is no more: nobody there waits for answers, and what it had in hand gets none.
  void forget(unsigned site);
  void part(unsigned a, unsigned b) { parted_.insert(std::minmax(a, b)); }
  [[nodiscard]] bool parts(unsigned a, unsigned b) const { return parted_.contains(std::minmax(a, b)); }
  void heal() { parted_.clear(); }
  // Who this place calls as; itself until it is said.
  void acts_as(unsigned place, unsigned site) { acts_as_[place] = site; }
  [[nodiscard]] std::shared_ptr<const net::peer> peer_of(unsigned place) const;
  [[nodiscard]] bool is_parted() const { return !parted_.empty(); }
  [[nodiscard]] std::uint64_t calls() const { return calls_; }

private:
  struct call {
    std::uint64_t number = 0;
    unsigned from = 0, to = 0;
    bool to_itself = false;
    net::client_request request;
    std::string target;
    net::client_callback done;  // empty: settled, or nobody waits
    unsigned at_receiver = 0;   // copies that the receiver works on
  };
  enum class kind : std::uint8_t { request, answer, timeout, lost };
  struct flight {
    std::int64_t due_us = 0;
    kind what = kind::request;
    std::shared_ptr<call> of;
    net::client_response response;
  };

  void fly(kind what, std::shared_ptr<call> of, std::int64_t after_us, net::client_response response = {});
  std::int64_t delay() { return 1'000 + static_cast<std::int64_t>(dice_->below(static_cast<std::uint64_t>(faults.slowest_us))); }
  bool chance(unsigned percent) { return percent > 0 && dice_->below(100) < percent; }
  [[nodiscard]] bool cut(const call& c) const { return parted_.contains(std::minmax(c.from, c.to)); }
  void answered(const std::shared_ptr<call>& c, unsigned life, net::response&& r);
  static void settle(const std::shared_ptr<call>& c, net::result<net::client_response> r);

  const base::clock* clock_;
  base::entropy* dice_;
  delivery deliver_;
  std::uint64_t calls_ = 0;
  std::vector<flight> flights_;
  std::array<unsigned, places_at_most> life_{};  // how often a site has crashed: what it had in hand before is answered by nobody
  std::set<std::pair<unsigned, unsigned>> parted_;
  std::map<unsigned, unsigned> acts_as_;
};

// The network as one site sees it.
class site_transport final : public net::transport {
public:
  site_transport(network& of, unsigned site) : network_(&of), site_(site) {}
  void send(net::client_request request, std::int64_t timeout_ms, net::client_callback done) override {
    if (up) network_->send(site_, std::move(request), timeout_ms, std::move(done));
  }
  bool up = true;  // a site that has crashed sends nothing any more

private:
  network* network_;
  unsigned site_;
};

}  // namespace dsf::simulation
