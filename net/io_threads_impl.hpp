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
using timer_type = asio::basic_waitable_timer<asio::steady_timer::clock_type, asio::wait_traits<asio::steady_timer::clock_type>,
                                              asio::io_context::executor_type>;

// The loops without their threads. Apart, because what lives on a loop may keep the loops alive, but must never be the one that
// joins the threads: it could be on one of them.
struct io_loops {
  struct loop {
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  };
  std::vector<std::unique_ptr<loop>> all;
  std::atomic<bool> stopped{false};
};

struct io_threads::impl {
  std::shared_ptr<io_loops> loops = std::make_shared<io_loops>();
  std::vector<std::thread> threads;
};

}  // namespace dsf::net
