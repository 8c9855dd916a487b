// The WebSockets between sites: texts in their order, delayed; connections that break, at both ends or for long at one only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "net/http.hpp"
#include "net/websocket.hpp"

namespace dsf::simulation {

class sockets {
public:
  // What the endpoint at this place makes of the request; nothing: nobody listens there.
  using door = std::function<std::optional<net::websocket_verdict>(unsigned to, const net::request& request)>;
  // No way between two places just now.
  using blocked = std::function<bool(unsigned a, unsigned b)>;
  sockets(const base::clock& time, base::entropy& dice, door at, blocked no_way)
      : clock_(&time), dice_(&dice), door_(std::move(at)), blocked_(std::move(no_way)) {}

  std::int64_t slowest_us = 50'000;
  unsigned break_per_1000 = 0;  // texts at which the connection breaks

  // `request.peer` says who calls.
  void open(unsigned from, unsigned to, net::request request, net::websocket_handlers handlers,
            std::function<void(net::result<net::websocket>)> done);
  [[nodiscard]] bool due() const;
  struct happened {
    const char* what = "";
    std::uint64_t connection = 0;
    unsigned place = 0;
  };
  // The first thing that is due.
  happened run();
  [[nodiscard]] std::optional<std::int64_t> next_us() const;
  // The place has crashed: nobody there hears anything any more.
  void forget(unsigned place);
  [[nodiscard]] std::uint64_t breaks() const { return breaks_; }

private:
  struct connection;
  struct target;
  enum class kind : std::uint8_t { knock, refused, opened, text, ended };
  struct flight {
    std::int64_t due_us = 0;
    std::uint64_t number = 0;  // the order of what is due at the same time
    kind what = kind::text;
    std::shared_ptr<connection> of;
    unsigned side = 0;  // where it arrives
    std::string text;
    std::uint16_t code = 0;
  };
  std::int64_t delay() { return 1'000 + static_cast<std::int64_t>(dice_->below(static_cast<std::uint64_t>(slowest_us))); }
  // In order behind what flies there already.
  void fly(kind what, const std::shared_ptr<connection>& of, unsigned side, std::int64_t after_us, std::string text = {},
           std::uint16_t code = 0);
  void break_off(const std::shared_ptr<connection>& c);
  void end_at(const std::shared_ptr<connection>& c, unsigned side, std::uint16_t code, const std::string& reason);

  const base::clock* clock_;
  base::entropy* dice_;
  door door_;
  blocked blocked_;
  std::uint64_t connections_ = 0, flown_ = 0, breaks_ = 0;
  std::vector<flight> flights_;
  std::vector<std::shared_ptr<connection>> all_;
};

}  // namespace dsf::simulation
