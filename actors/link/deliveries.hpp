// What the engine made of the endpoint's Tasks goes there: version after version of each Task by PUT with If-Match, until the endpoint has it.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "actors/link/rows.hpp"
#include "actors/thread_drive.hpp"
#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "net/transport.hpp"
#include "storage/store.hpp"

namespace dsf::actors {

class deliveries {
public:
  // `base_url`: of the endpoint, without a slash at its end.
  deliveries(storage::store& store, net::transport& transport, std::string base_url, base::clock& time, base::entropy& entropy,
             const base::logger& log, thread_drive* drive = nullptr);
  ~deliveries();
  deliveries(const deliveries&) = delete;
  deliveries& operator=(const deliveries&) = delete;

  // From the store's commit listener, when a Task was written.
  void changed();
  // The endpoint can be reached: what waits for a back-off need not.
  void try_now();
  // What is under way is tried again after the next start.
  void stop();

private:
  struct shared;
  struct job {
    task_position at;
    std::uint64_t version = 0;  // of the copy that is on its way
    int conflicts = 0;
    bool asking = false;  // how the Task stands there, after a 412
  };
  struct answer {
    std::string id;
    net::result<net::client_response> response;
  };

  void loop();
  void scan();
  // False when nothing of this Task waits any more.
  base::result<bool> prepare(const std::string& id, job& j);
  void put(const std::string& id, const job& j);
  void ask(const std::string& id, job& j);
  void send(net::client_request request, const std::string& id);
  void answered(answer& a);
  void compare(const std::string& id, job& j, const base::json& there);
  void delivered(const std::string& id, job& j, std::uint64_t remote);
  void give_up(const std::string& id, const job& j, const std::string& why);
  void back_off(const std::string& id, const std::string& why, std::int64_t asked_us = 0);

  storage::store* store_;
  net::transport* transport_;
  std::string base_url_;
  base::clock* clock_;
  base::entropy* entropy_;
  const base::logger* log_;
  thread_drive* drive_;
  std::map<std::string, job> under_way_;  // by Task id
  std::int64_t pause_us_ = 0;
  std::int64_t paused_until_us_ = 0;  // steady time; 0: not paused
  std::shared_ptr<shared> shared_;  // with the transport's callbacks, which may outlive this
  std::unique_ptr<thread_drive::running> thread_;
};

}  // namespace dsf::actors
