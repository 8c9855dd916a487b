// Do models, ActivityDefinitions and StructureDefinitions of a bundle speak of the same messages and profiles?
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "actors/task_document.hpp"
#include "plugins/bundle.hpp"

namespace dsf::plugins {
namespace {

struct allowed_message {
  std::string name, profile;
};

constexpr std::string_view authorization = "http://dsf.dev/fhir/StructureDefinition/extension-process-authorization";

std::vector<allowed_message> allowed(const base::json& activity_definition) {
  std::vector<allowed_message> out;
  for (const auto& e : activity_definition["extension"]) {
    if (e["url"].str() != authorization) continue;
    allowed_message m;
    for (const auto& part : e["extension"]) {
      if (part["url"].str() == "message-name") m.name = part["valueString"].str();
      if (part["url"].str() == "task-profile") m.profile = part["valueCanonical"].str();
    }
    out.push_back(std::move(m));
  }
  return out;
}

const bundle_resource* activity_definition_of(const bundle_process& p) {
  const auto at = std::ranges::find(p.resources, std::string_view("ActivityDefinition"), &bundle_resource::type);
  return at == p.resources.end() ? nullptr : &*at;
}

class comparison {
public:
  explicit comparison(const bundle& b) : b_(b) {
    for (const auto& p : b.processes)
      for (const auto& r : p.resources)
        if (r.type == "StructureDefinition") profiles_.insert(r.content["url"].str() + "|" + r.content["version"].str());
  }

  std::vector<bundle_fault> run() {
    for (const auto& p : b_.processes)
      if (const auto* ad = activity_definition_of(p)) {
        received(p, *ad);
        for (const auto& n : p.definition->nodes) {
          if (n.kind == bpmn::node_kind::send_task) sent(p, n, n.run);
          if (n.kind == bpmn::node_kind::intermediate_throw_event || n.kind == bpmn::node_kind::end_event) sent(p, n, n.event.run);
        }
      }
    return std::move(out_);
  }

private:
  void say(const bundle_process& p, int line, std::string text) {
    out_.push_back({fmt::format("{}:{}", p.model, std::max(line, 1)), std::move(text)});
  }

  void received(const bundle_process& p, const bundle_resource& ad) {
    const auto messages = allowed(ad.content);
    std::set<std::string> named;
    bool any_name = false;
    for (const auto& n : p.definition->nodes) {
      const bool waits = n.event.kind == bpmn::event_kind::message && n.kind != bpmn::node_kind::intermediate_throw_event &&
                         n.kind != bpmn::node_kind::end_event;
      if (!waits || n.event.name.empty() || n.event.name.find("${") != std::string::npos) {
        if (waits && n.event.name_expression) any_name = true;
        continue;
      }
      if (named.insert(n.event.name).second && std::ranges::find(messages, n.event.name, &allowed_message::name) == messages.end())
        say(p, n.line,
            fmt::format("{} waits for message '{}', and {} allows nobody to send it; add a process-authorization with this message-name",
                        n.id, n.event.name, ad.file));
    }
    for (const auto& m : messages) {
      if (!named.contains(m.name) && !any_name)
        out_.push_back(
            {ad.file, fmt::format("it allows message '{}', for which {} does not wait; such a Task would fail", m.name, p.model)});
      if (!m.profile.empty() && !profiles_.contains(m.profile))
        out_.push_back({ad.file, fmt::format("the task-profile {} of message '{}' is no StructureDefinition of this bundle; add it to the "
                                             "resources, or correct the url or version",
                                             m.profile, m.name)});
    }
  }

  void sent(const bundle_process& p, const bpmn::node& n, const bpmn::delegate& run) {
    const auto field = [&](std::string_view name) -> std::string {
      const auto at = std::ranges::find(run.fields, name, &bpmn::field_injection::name);
      if (at == run.fields.end() || at->value.text.find("${") != std::string::npos) return {};
      return at->value.text;
    };
    const auto canonical = field("instantiatesCanonical"), message = field("messageName"), profile = field("profile");
    if (canonical.empty() || message.empty()) return;
    const auto target = actors::parse_canonical(canonical);
    if (!target)
      return say(p, n.line,
                 fmt::format("{}: instantiatesCanonical '{}' is not http://<domain>/bpe/Process/<name>|<version>", n.id, canonical));
    for (const auto& other : b_.processes) {
      if (other.definition->key != target->key || other.definition->version_tag != target->version) continue;
      const auto* ad = activity_definition_of(other);
      if (!ad) return;
      const auto messages = allowed(ad->content);
      const auto at = std::ranges::find(messages, message, &allowed_message::name);
      if (at == messages.end())
        return say(
            p, n.line,
            fmt::format("{} sends message '{}' to {}, and {} does not allow it; correct one of them", n.id, message, canonical, ad->file));
      if (!profile.empty() && std::ranges::none_of(messages, [&](const auto& m) { return m.name == message && m.profile == profile; }))
        say(p, n.line,
            fmt::format("{} sends message '{}' with profile {}, and {} wants {}", n.id, message, profile, ad->file, at->profile));
      return;
    }
  }

  const bundle& b_;
  std::set<std::string> profiles_;
  std::vector<bundle_fault> out_;
};

}  // namespace

std::vector<bundle_fault> contradictions(const bundle& b) { return comparison(b).run(); }

}  // namespace dsf::plugins
