#include "site/ctl/log_command.hpp"

#include <fmt/format.h>

#include <ostream>

#include "bpmn/execution/event.hpp"
#include "site/admin/admin_port.hpp"
#include "site/ctl/text_table.hpp"
#include "storage/instances/instance_codec.hpp"
#include "storage/store.hpp"

namespace dsf::site::ctl {
namespace {

constexpr std::size_t rows_at_a_time = 1'000;

// Where an event happened, as far as its kind says.
std::uint64_t execution_of(const bpmn::event& e) {
  return std::visit(
      [](const auto& what) -> std::uint64_t {
        if constexpr (requires { what.execution; }) {
          return what.execution;
        } else if constexpr (requires { what.id; }) {
          return what.id;
        } else {
          return 0;
        }
      },
      e.what);
}

std::string detail_of(const bpmn::event& e) {
  if (const auto* started = std::get_if<bpmn::events::instance_started>(&e.what))
    return fmt::format("business key {}, message {}", started->business_key, started->message_name);
  if (const auto* written = std::get_if<bpmn::events::variables_written>(&e.what)) {
    // Names only, and sizes and row names of values put aside: values may be patient data.
    std::string names;
    for (const auto& w : written->writes) {
      names += (names.empty() ? "" : ", ") + std::string(w.removed ? "-" : "") + w.name;
      if (const auto* large = w.content->as<bpmn::blob_reference>())
        names += fmt::format(" ({} bytes, row {})", large->size, large->sha256);
    }
    return names;
  }
  return {};
}

}  // namespace

base::result<> log_show(ctl_output& o, const log_options& options) {
  storage::store_options open;
  open.path = options.store;
  open.create = false;
  open.read_only = true;
  const auto store = TRY(storage::store::open(std::move(open)));
  const auto id = TRY(store->internal_id_of(options.instance));
  const auto view = store->view();

  text_table t({"EVENT", "TIME", "CAUSE", "WHAT", "EXECUTION", "DETAIL"});
  t.align_right(0);
  std::uint64_t row = 1;
  std::uint64_t shown = 0;
  for (;;) {
    const auto rows = TRY(view->instance_events(id.instance, row, rows_at_a_time));
    for (const auto& stored : rows) {
      const auto batch = TRY(storage::decode_batch_outline(stored.bytes));
      auto number = batch.first_number;
      for (const auto& e : batch.events) {
        const auto n = number++;
        if (n < options.from) continue;
        ++shown;
        if (o.json) {
          o.out << base::json(base::json::object{{"event", n},
                                                 {"time", json_time(batch.time)},
                                                 {"cause", batch.cause},
                                                 {"what", bpmn::name_of(e)},
                                                 {"execution", execution_of(e)},
                                                 {"detail", detail_of(e)}})
                       .dump()
                << "\n";
        } else {
          t.add({std::to_string(n), base::to_iso(batch.time, 6), batch.cause, std::string(bpmn::name_of(e)),
                 execution_of(e) ? std::to_string(execution_of(e)) : "", detail_of(e)});
        }
      }
    }
    if (rows.size() < rows_at_a_time) break;
    row = rows.back().number + 1;
  }
  if (shown == 0)
    return base::fail(admin_errc::not_found,
                      fmt::format("the store has no events of instance {} from number {} on", options.instance, options.from),
                      options.store);
  if (!o.json) o.out << t.str(o.width);
  return {};
}

}  // namespace dsf::site::ctl
