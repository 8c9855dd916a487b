#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "net/io_threads.hpp"

namespace dsf::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using socket_type = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;
using acceptor_type = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;
using timer_type = asio::basic_waitable_timer<asio::steady_timer::clock_type, asio::wait_traits<asio::steady_timer::clock_type>, asio::io_context::executor_type>;

struct io_threads::impl {
  struct loop {
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::thread thread;
  };
  // Loops live as long as anything that may post to them; their order is the threads' numbers.
  std::vector<std::unique_ptr<loop>> loops;
  std::atomic<bool> stopped{false};
  std::atomic<unsigned> next{0};

  asio::io_context& take_turn() { return loops[next.fetch_add(1, std::memory_order_relaxed) % loops.size()]->context; }
};

}  // namespace dsf::net
