#include "bpmn/lint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "bpmn/el/expression.hpp"

namespace dsf::bpmn {
namespace {

bool is_name(std::string_view s) {
  return !s.empty() && std::ranges::all_of(s, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// dsf-bpe 1.2: domain without dots, underscore, name.
bool is_process_id(std::string_view id) {
  const auto underscore = id.find('_');
  return underscore != std::string_view::npos && is_name(id.substr(0, underscore)) && is_name(id.substr(underscore + 1));
}

class linter {
public:
  linter(const definition& d, std::vector<finding>& out) : d_(d), out_(out) {}

  void run(std::string_view resource_version) {
    if (!is_process_id(d_.key))
      add(finding_level::error, "process_id_pattern", d_.key, 0,
          fmt::format("process id {} is not <domain without dots>_<process name>, for example dsfdev_ping", d_.key));
    if (d_.version_tag != resource_version)
      add(finding_level::error, "version_tag", d_.key, 0,
          fmt::format("camunda:versionTag is \"{}\", the plugin's resource version is \"{}\"; write camunda:versionTag=\"#{{version}}\"",
                      d_.version_tag, resource_version));
    if (!d_.executable) add(finding_level::error, "not_executable", d_.key, 0, "the process is not executable; set isExecutable=\"true\"");
    for (const auto& n : d_.nodes) check(n);
  }

private:
  void add(finding_level level, std::string rule, const std::string& element, int line, std::string text) {
    out_.push_back({level, std::move(rule), element, line, std::move(text)});
  }

  void check(const node& n) {
    const bool throws_message =
        (n.kind == node_kind::intermediate_throw_event || n.kind == node_kind::end_event) && n.event.kind == event_kind::message;
    if (n.kind == node_kind::send_task) check_send(n, n.run);
    if (throws_message) check_send(n, n.event.run);
    if (n.kind == node_kind::service_task && !n.run)
      add(finding_level::warning, "no_implementation", n.id, n.line,
          "the service task has neither camunda:class nor camunda:expression; it does nothing");
    if (n.kind == node_kind::start_event && n.event.kind == event_kind::message && n.event.name.empty())
      add(finding_level::warning, "start_without_message", n.id, n.line,
          "the message start event refers to no named message; nothing can start it");
    if (n.kind == node_kind::user_task && !n.form_key)
      add(finding_level::warning, "form_key", n.id, n.line, "the user task has no camunda:formKey with the URL of its Questionnaire");
    // Two ends of a multi-instance at once, or one slow instance, would hold up the others.
    if (n.kind == node_kind::sub_process && n.loop && !n.loop->async_before)
      add(finding_level::warning, "multi_instance_not_async", n.id, n.line,
          "the multi-instance sub-process has no camunda:asyncBefore=\"true\"");
    if (n.incoming.empty() && n.kind != node_kind::start_event && n.kind != node_kind::boundary_event)
      add(finding_level::warning, "floating_element", n.id, n.line, "no sequence flow leads here; it is never reached");
  }

  // dsf-bpe 2.1, 6: send activities have a class and three fields that are not blank. Without a class they do nothing.
  void check_send(const node& n, const delegate& run) {
    if (!run) {
      add(finding_level::warning, "no_implementation", n.id, n.line,
          "the send activity has neither camunda:class nor camunda:expression; it does nothing");
      return;
    }
    if (run.class_name.empty()) return;
    for (const std::string_view name : {"instantiatesCanonical", "messageName", "profile"}) {
      const auto it = std::ranges::find(run.fields, name, &field_injection::name);
      const bool given = it != run.fields.end() && it->value.text.find_first_not_of(" \t\r\n") != std::string::npos;
      if (!given)
        add(finding_level::error, "message_field", n.id, n.line, fmt::format("field {} is missing or blank; add a camunda:field", name));
    }
  }

  const definition& d_;
  std::vector<finding>& out_;
};

}  // namespace

std::vector<finding> lint(const std::vector<std::shared_ptr<const definition>>& file, std::string_view resource_version) {
  std::vector<finding> out;
  if (file.size() != 1)
    out.push_back({finding_level::error, "one_process", file.empty() ? "" : file[0]->key, 0,
                   fmt::format("the file has {} processes; DSF takes files with exactly one", file.size())});
  for (const auto& d : file) linter(*d, out).run(resource_version);
  return out;
}

}  // namespace dsf::bpmn
