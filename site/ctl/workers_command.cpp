#include <fmt/format.h>

#include "site/ctl/commands.hpp"
#include "site/ctl/render.hpp"
#include "site/ctl/text_table.hpp"

namespace dsf::site {

base::json to_json(const worker_list& l) {
  using base::json;
  json::array lines;
  for (const auto& w : l.workers) {
    json::array handlers;
    for (const auto& h : w.handlers) handlers.push_back(h);
    lines.push_back(json::object{{"session", w.session},
                                 {"worker", w.worker},
                                 {"plugin", w.plugin},
                                 {"address", w.address},
                                 {"handlers", std::move(handlers)},
                                 {"credits", static_cast<std::uint64_t>(w.credits)},
                                 {"running", static_cast<std::uint64_t>(w.running)},
                                 {"done", w.done},
                                 {"lost", w.lost},
                                 {"draining", w.draining},
                                 {"connected", base::to_iso(w.connected)},
                                 {"last_heard", base::to_iso(w.last_heard)}});
  }
  return json::object{{"workers", std::move(lines)}, {"waiting", l.waiting}};
}

namespace ctl {

result<> workers(ctl_output& o, admin_calls& site) {
  const auto list = TRY(site.workers());
  if (o.json) {
    o.out << to_json(list).dump() << "\n";
    return {};
  }
  text_table t({"WORKER", "PLUGIN", "ADDRESS", "CREDITS", "RUNNING", "DONE", "LOST", "STATE", "CONNECTED", "LAST HEARD", "HANDLERS"});
  for (std::size_t i = 3; i < 7; ++i) t.align_right(i);
  for (const auto& w : list.workers) {
    std::string handlers;
    for (const auto& h : w.handlers) handlers += (handlers.empty() ? "" : ", ") + h;
    t.add({w.worker, w.plugin, w.address, std::to_string(w.credits), std::to_string(w.running), std::to_string(w.done),
           std::to_string(w.lost), w.draining ? "draining" : "ok", relative_time(w.connected, o.clock.now()),
           relative_time(w.last_heard, o.clock.now()), handlers});
  }
  if (!t.empty()) o.out << t.str(o.width);
  if (t.empty()) o.err << "no worker is connected\n";
  if (list.waiting > 0) o.out << fmt::format("{} activations wait for a worker\n", list.waiting);
  return {};
}

}  // namespace ctl
}  // namespace dsf::site
