#include "site/admin/convert_impl.hpp"

namespace dsf::site {
namespace {

void texts_to(const std::vector<std::string>& from, google::protobuf::RepeatedPtrField<std::string>* to) {
  to->Assign(from.begin(), from.end());
}
std::vector<std::string> texts_from(const google::protobuf::RepeatedPtrField<std::string>& from) { return {from.begin(), from.end()}; }

}  // namespace

void to_proto(const deploy_result& from, pb::DeployResult& to) {
  to.set_plugin(from.plugin);
  to.set_version(from.version);
  texts_to(from.processes, to.mutable_processes());
  to.set_resources(from.resources);
  texts_to(from.warnings, to.mutable_warnings());
}

deploy_result from_proto(const pb::DeployResult& from) {
  return {from.plugin(), from.version(), texts_from(from.processes()), from.resources(), texts_from(from.warnings())};
}

void to_proto(const process_state_line& from, pb::ProcessStateLine& to) {
  to.set_process(from.process);
  to.set_state(from.state);
  to.set_because(from.because);
}

process_state_line from_proto(const pb::ProcessStateLine& from) { return {from.process(), from.state(), from.because()}; }

void to_proto(const plugin_list& from, pb::PluginList& to) {
  for (const auto& p : from.plugins) {
    auto& line = *to.add_plugins();
    line.set_name(p.name);
    line.set_version(p.version);
    line.set_source(p.source);
    line.set_by_operator(p.by_operator);
    for (const auto& process : p.processes) to_proto(process, *line.add_processes());
    texts_to(p.reasons, line.mutable_reasons());
    texts_to(p.warnings, line.mutable_warnings());
    line.set_since_us(p.since.us);
  }
  for (const auto& process : from.without) to_proto(process, *to.add_without());
}

plugin_list from_proto(const pb::PluginList& from) {
  plugin_list to;
  for (const auto& p : from.plugins()) {
    plugin_line line{p.name(),      p.version(), p.source(), p.by_operator(), {}, texts_from(p.reasons()), texts_from(p.warnings()),
                     {p.since_us()}};
    for (const auto& process : p.processes()) line.processes.push_back(from_proto(process));
    to.plugins.push_back(std::move(line));
  }
  for (const auto& process : from.without()) to.without.push_back(from_proto(process));
  return to;
}

}  // namespace dsf::site
