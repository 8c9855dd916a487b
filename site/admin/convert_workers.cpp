#include "site/admin/convert_impl.hpp"

namespace dsf::site {

void to_proto(const worker_list& from, pb::WorkerList& to) {
  for (const auto& w : from.workers) {
    auto& line = *to.add_workers();
    line.set_session(w.session);
    line.set_worker(w.worker);
    line.set_plugin(w.plugin);
    line.set_address(w.address);
    for (const auto& h : w.handlers) line.add_handlers(h);
    line.set_credits(w.credits);
    line.set_running(w.running);
    line.set_done(w.done);
    line.set_lost(w.lost);
    line.set_draining(w.draining);
    line.set_connected_us(w.connected.us);
    line.set_last_heard_us(w.last_heard.us);
  }
  to.set_waiting(from.waiting);
}

worker_list from_proto(const pb::WorkerList& from) {
  worker_list to;
  for (const auto& w : from.workers())
    to.workers.push_back({w.session(),
                          w.worker(),
                          w.plugin(),
                          w.address(),
                          {w.handlers().begin(), w.handlers().end()},
                          w.credits(),
                          w.running(),
                          w.done(),
                          w.lost(),
                          w.draining(),
                          {w.connected_us()},
                          {w.last_heard_us()}});
  to.waiting = from.waiting();
  return to;
}

}  // namespace dsf::site
