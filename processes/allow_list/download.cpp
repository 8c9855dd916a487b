// A member's side: reads the coordinating site's bundle, says what it would change, and changes it.
#include "base/mutant.hpp"
#include "processes/allow_list/difference.hpp"
#include "processes/allow_list/handlers.hpp"
#include "processes/allow_list/names.hpp"
#include "processes/errc.hpp"
#include "processes/messages.hpp"
#include "processes/site.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::allow_list {
namespace {

using base::json;
using base::result;

constexpr std::size_t max_log_lines = 200;
constexpr std::size_t max_output = 900'000;  // bytes; R4 ends strings at 1 MiB
constexpr const char* bpmn_error_code = "allow_list_refused";

bool wanted(const json& task, std::string_view code) { return input(task, own_codes, code)["valueBoolean"].bool_or(false); }

wishes wishes_of(const json& task, const plugins::member& local) {
  wishes w;
  w.own_organization = local.organization_identifier;
  w.own_endpoint = local.endpoint_identifier;
  w.accept_own_changes = wanted(task, accept_own_changes);
  for (const auto& in : task["input"])
    for (const auto& c : in["type"]["coding"])
      if (c["system"].str() == own_codes && c["code"].str() == accept_parent) w.accept_parents.insert(in["valueString"].str());
  return w;
}

result<json> downloaded(const plugins::activation& a) {
  const auto* v = a.variable(v_bundle);
  const auto* bundle = v ? v->as<bpmn::fhir_resource>() : nullptr;
  if (!bundle) return base::fail(errc::internal, "variable bundle is not set; a step before must download it", a.activity_id);
  return json::parse(bundle->json);
}

result<plan> plan_for(const plugins::activation& a, plugins::services& s, const json& task) {
  const auto bundle = read_bundle(TRY(downloaded(a)));
  const auto local = s.local();
  return make_plan(TRY(read_local(s)), local.endpoint_url, bundle, wishes_of(task, local));
}

// Each reason as an error output, then the one that ends the process (dsf-bpe 9.3).
plugins::outcome refused(const plugins::services& s, const plugins::task_document& task, const plan& p, const std::string& source) {
  plugins::bpmn_error out;
  out.code = bpmn_error_code;
  out.message = "the allow-list " + source + " is refused, and nothing was changed: " + p.faults.front() +
                (p.faults.size() > 1 ? " (and " + std::to_string(p.faults.size() - 1) + " more reasons)" : "");
  for (const auto& text : p.faults) {
    out.tasks.push_back(with_output(task, parameter(bpmn_message, "error", "valueString", text)));
    s.log().warning("allow-list", "the bundle is refused: " + text, context_of(s, {}, reference_to(task)), {{"bundle", source}});
  }
  return out;
}

json difference_output(const json& difference) {
  auto text = difference.dump();
  if (text.size() > max_output) {
    json counts = json::object{{"shortened", true}};
    if (const auto* groups = difference.if_object())
      for (const auto& [group, lists] : *groups) {
        json sizes;
        if (const auto* by = lists.if_object())
          for (const auto& [how, list] : *by) sizes.set(how, static_cast<std::uint64_t>(list.size()));
        counts.set(group, std::move(sizes));
      }
    text = counts.dump();
  }
  return parameter(own_codes, difference_code, "valueString", std::move(text));
}

}  // namespace

plugins::outcome download_allow_list(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto reference =
        TRY(parse_reference(TRY(reference_input(*task.content, codes, allow_list_code)), "Bundle", s.local().endpoint_url));
    std::optional<plugins::member> from;
    for (auto& m : TRY(s.members())) {
      std::string_view url = m.endpoint_url;
      while (url.ends_with('/')) url.remove_suffix(1);
      if (url == reference.base) from = std::move(m);
    }
    if (!from)
      return base::fail(
          errc::not_on_allow_list,
          "the bundle lies at " + reference.base + ", which is no active endpoint of the own allow-list; add the coordinating site first");
    const auto source = reference.base + "/Bundle/" + reference.id;
    auto bundle = endpoint_of(s, *from)->read("Bundle", reference.id, reference.version);
    if (!bundle)
      return plugins::failed{"the allow-list " + source + " can't be read, and nothing was changed: " + bundle.error().to_string() +
                                 "; `dsfctl doctor --partner " + from->organization_identifier + "` looks for the cause",
                             false};
    const auto& version = (*bundle)["meta"]["versionId"].str();
    const auto read = source + (version.empty() ? std::string() : "/_history/" + version);
    s.log().info("allow-list", "the allow-list was read", context_of(s, from->organization_identifier, reference_to(task)),
                 {{"bundle", read}, {"entries", static_cast<std::uint64_t>((*bundle)["entry"].size())}});
    return plugins::completed{.variables = {set(v_bundle, bpmn::fhir_resource{"Bundle", bundle->dump()}), set(v_source, read)}};
  });
}

plugins::outcome check_allow_list(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto source = a.variable_text(v_source);
    const auto p = TRY(plan_for(a, s, *task.content));
    if (!p.faults.empty()) return refused(s, task, p, source);
    const auto lines = lines_of(p.difference);
    const auto context = context_of(s, {}, reference_to(task));
    for (std::size_t i = 0; i < lines.size() && i < max_log_lines; ++i) s.log().info("allow-list", lines[i], context);
    s.log().info("allow-list", "difference: " + summary_of(p.difference), context,
                 {{"bundle", source}, {"lines", static_cast<std::uint64_t>(lines.size())}});
    return plugins::completed{.tasks = {with_output(task, difference_output(p.difference))}};
  });
}

plugins::outcome insert_allow_list(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto source = a.variable_text(v_source);
    // Seen again, since the own allow-list may have changed since the check, or an attempt before this one applied it.
    const auto p = TRY(plan_for(a, s, *task.content));
    if (!p.faults.empty()) return refused(s, task, p, source);
    const auto context = context_of(s, {}, reference_to(task));
    std::string said;
    if (wanted(*task.content, dry_run) && !DSF_MUTANT("processes.dry_run_applies")) {
      said = "dry run, nothing was changed: " + summary_of(p.difference);
    } else if (p.empty) {
      said = "the own allow-list is as the bundle says";
    } else {
      auto done = s.local_endpoint().transaction(p.transaction);
      if (!done)
        return plugins::failed{
            "the own endpoint refuses the allow-list " + source + ", and nothing was changed: " + done.error().to_string(), false};
      said = "applied: " + summary_of(p.difference);
    }
    s.log().info("allow-list", said, context, {{"bundle", source}});
    return plugins::completed{.tasks = {with_output(task, parameter(own_codes, summary_code, "valueString", said))}};
  });
}

}  // namespace dsf::processes::allow_list
