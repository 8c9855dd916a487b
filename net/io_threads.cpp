#include <pthread.h>

#include <algorithm>

#include "net/io_threads_impl.hpp"

namespace dsf::net {

io_threads::io_threads() : impl_(std::make_unique<impl>()) {}

std::shared_ptr<io_threads> io_threads::start(int count, std::string name) {
  if (count <= 0) count = std::max(1, int(std::thread::hardware_concurrency()) - 1);
  std::shared_ptr<io_threads> out(new io_threads);
  auto& in = *out->impl_;
  for (int i = 0; i < count; ++i) in.loops->all.push_back(std::make_unique<io_loops::loop>());
  for (int i = 0; i < count; ++i) {
    auto& loop = *in.loops->all[std::size_t(i)];
    in.threads.emplace_back([&loop] { loop.context.run(); });
    // Linux keeps 15 characters of a thread's name.
    pthread_setname_np(in.threads.back().native_handle(), (name.substr(0, 11) + "-" + std::to_string(i)).c_str());
  }
  return out;
}

io_threads::~io_threads() { stop(); }

int io_threads::size() const noexcept { return int(impl_->loops->all.size()); }

bool io_threads::on_thread() const noexcept {
  return std::ranges::any_of(impl_->threads, [](const auto& t) { return t.get_id() == std::this_thread::get_id(); });
}

void io_threads::stop() {
  if (impl_->loops->stopped.exchange(true)) return;
  for (auto& loop : impl_->loops->all) loop->context.stop();
  for (auto& thread : impl_->threads) thread.join();
  // What was cancelled or posted last still runs here, so that nothing waiting in a loop keeps the loop's owners alive.
  for (auto& loop : impl_->loops->all) {
    loop->context.restart();
    loop->context.poll();
  }
}

}  // namespace dsf::net
