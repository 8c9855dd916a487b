#include "actors/thread_drive.hpp"

#include <thread>

namespace dsf::actors {
namespace {

struct real_thread final : thread_drive::running {
  explicit real_thread(std::function<void()> body) : thread(std::move(body)) {}
  ~real_thread() override { thread.join(); }
  std::thread thread;
};

}  // namespace

std::unique_ptr<thread_drive::running> run_on(thread_drive* drive, std::function<void()> body) {
  return drive ? drive->start(std::move(body)) : std::make_unique<real_thread>(std::move(body));
}

}  // namespace dsf::actors
