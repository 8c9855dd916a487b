#include "site/ctl/allow_list_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <ostream>
#include <thread>

#include "processes/allow_list/difference.hpp"
#include "processes/allow_list/names.hpp"

namespace dsf::site::ctl {
namespace {

using base::fail;
using base::json;
using base::result;
namespace names = processes::allow_list;

constexpr int poll_ms = 200;

// key|version, as the site has it.
result<std::string> deployed(admin_calls& site, std::string_view key) {
  const auto list = TRY(site.plugins());
  for (const auto& plugin : list.plugins)
    for (const auto& p : plugin.processes)
      if (p.process.starts_with(std::string(key) + "|") && (p.state == "active" || p.state == "draft")) return p.process;
  return fail(admin_errc::not_found,
              "the site does not run this process; deploy the plugin allow_list that comes with dsfd (dsfctl plugin deploy)",
              std::string(key));
}

struct ended {
  std::string task;
  std::vector<task_output> outputs;
  std::string text_of(std::string_view system, std::string_view code) const {
    for (const auto& out : outputs)
      if (out.system == system && out.code == code) return out.text;
    return {};
  }
};

// Starts the process and waits for its end; that it failed is an error with all that the Task says.
result<ended> run(admin_calls& site, start_request request, std::uint32_t timeout_s) {
  const auto started = TRY(site.start_task(request));
  for (std::uint64_t waited = 0; waited < std::uint64_t{timeout_s} * 1'000; waited += poll_ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds(poll_ms));
    const auto seen = site.show_instance(started.business_key);
    if (!seen && seen.error().kind() == base::error_kind::not_found) continue;  // its Task is not taken yet
    const auto detail = TRY(seen);
    if (detail.summary.state == "running") continue;
    ended out{started.task, {}};
    for (const auto& t : detail.tasks)
      if (t.part == "start") out.outputs = t.outputs;
    if (detail.summary.state == "completed") return out;
    std::string reasons;
    for (const auto& o : out.outputs)
      if (o.code == "error") reasons += "\n  " + o.text;
    if (reasons.empty()) reasons = "\n  " + detail.summary.reason;
    if (detail.summary.state == "incident")
      return fail(admin_errc::conflict, "the process waits for a decision: see `dsfctl incidents`", started.task);
    return fail(admin_errc::invalid, started.task + " failed:" + reasons);
  }
  return fail(admin_errc::timeout,
              fmt::format("it did not end within {} s; `dsfctl why {}` tells what it waits for", timeout_s, started.business_key),
              started.task);
}

}  // namespace

result<> allow_list_take(ctl_output& o, admin_calls& site, const allow_list_options& options, bool dry_run) {
  start_request request;
  request.process = TRY(deployed(site, names::download_process));
  const auto add = [&](std::string_view system, std::string_view code, const char* type, std::string value) {
    request.inputs.push_back({std::string(system), std::string(code), type, std::move(value)});
  };
  add(names::codes, names::allow_list_code, "reference", options.reference);
  if (dry_run) add(names::own_codes, names::dry_run, "boolean", "true");
  if (options.accept_own_changes) add(names::own_codes, names::accept_own_changes, "boolean", "true");
  for (const auto& p : options.accept_parents) add(names::own_codes, names::accept_parent, "string", p);
  auto ran = run(site, std::move(request), options.timeout_s);
  // The own endpoint takes a Task only if it can read what the Task refers to.
  if (!ran && ran.error().to_string().find("Reference target") != std::string::npos)
    return fail(
        admin_errc::unavailable,
        "the allow-list can't be read, and nothing was changed: " + ran.error().to_string() + "; `dsfctl doctor` looks for the cause",
        options.reference);
  const auto done = TRY(std::move(ran));

  const auto difference = TRY(json::parse(done.text_of(names::own_codes, names::difference_code)));
  const auto summary = done.text_of(names::own_codes, names::summary_code);
  if (o.json) {
    o.out << json(json::object{{"task", done.task}, {"dry_run", dry_run}, {"summary", summary}, {"difference", difference}}).dump() << "\n";
    return {};
  }
  for (const auto& line : names::lines_of(difference)) o.out << line << "\n";
  for (const auto& kept : difference["organizations"]["not-in-bundle"])
    o.out << "= organization " << kept["identifier"].str() << " is not in the bundle, and stays\n";
  o.out << summary << "\n";
  return {};
}

result<> allow_list_publish(ctl_output& o, admin_calls& site, const allow_list_options& options) {
  start_request request;
  request.process = TRY(deployed(site, names::update_process));
  const auto done = TRY(run(site, std::move(request), options.timeout_s));
  const auto reference = TRY(json::parse(done.text_of(names::codes, names::allow_list_code)))["reference"].str();
  if (o.json)
    o.out << json(json::object{{"task", done.task}, {"bundle", reference}}).dump() << "\n";
  else
    o.out << reference << "\n";
  return {};
}

}  // namespace dsf::site::ctl
