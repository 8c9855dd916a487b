// Reads every model of the corpus and compares what the reader made of it with counts by XPath over the raw XML: a reader that skips, doubles or
// misplaces elements or attributes is found here.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <pugixml.hpp>
#include <sstream>

#include "bpmn/el/expression.hpp"
#include "bpmn/model.hpp"
#include "bpmn/placeholder.hpp"

namespace dsf::bpmn {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& p) {
  std::ifstream in(p, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<fs::path> corpus() {
  std::vector<fs::path> out;
  const fs::path root = fs::path(DSF_SOURCE_DIR) / ".." / "shared" / "corpus" / "bpmn";
  if (!fs::exists(root)) return out;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().extension() == ".bpmn") out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string replaced(const fs::path& p) {
  placeholder_values values{"1.0", "2026-01-15", "Test_DIC", {}};
  const auto text = replace_placeholders(slurp(p), p.filename().string(), placeholder_file::bpmn, values);
  REQUIRE(text);
  return *text;
}

using counts = std::map<std::string, std::size_t>;

void count_parameters(counts& c, const std::vector<parameter>& parameters, const char* name) { c[name] += parameters.size(); }

void count_delegate(counts& c, const delegate& d) {
  c["class"] += !d.class_name.empty();
  c["delegate expression"] += bool(d.expression);
  c["field"] += d.fields.size();
}

void count_listeners(counts& c, const std::vector<listener>& listeners, const char* name) {
  c[name] += listeners.size();
  for (const auto& l : listeners) count_delegate(c, l.run);
}

const char* name_of(node_kind k) {
  static const char* names[] = {"startEvent",
                                "endEvent",
                                "intermediateCatchEvent",
                                "intermediateThrowEvent",
                                "boundaryEvent",
                                "serviceTask",
                                "sendTask",
                                "receiveTask",
                                "userTask",
                                "manualTask",
                                "task",
                                "exclusiveGateway",
                                "parallelGateway",
                                "eventBasedGateway",
                                "subProcess"};
  return names[static_cast<int>(k)];
}
const char* name_of(event_kind k) {
  static const char* names[] = {"none", "message", "timer", "signal", "error", "terminate", "conditional"};
  return names[static_cast<int>(k)];
}

counts count_model(const definition& d) {
  counts c;
  c["versionTag"] = !d.version_tag.empty();
  c["historyTimeToLive"] = !d.history_time_to_live.empty();
  c["process name"] = !d.name.empty();
  count_listeners(c, d.listeners, "executionListener");
  for (const auto& n : d.nodes) {
    c[name_of(n.kind)]++;
    c["node name"] += !n.name.empty();
    c["outgoing"] += n.outgoing.size();
    c["incoming"] += n.incoming.size();
    c["default"] += n.default_flow != no_flow;
    if (n.kind <= node_kind::boundary_event && n.event.kind != event_kind::none)
      c[std::string(name_of(n.kind)) + "/" + name_of(n.event.kind)]++;
    c["errorCodeVariable"] += !n.event.error_code_variable.empty();
    c["errorMessageVariable"] += !n.event.error_message_variable.empty();
    c["variableName"] += !n.event.variable_name.empty();
    c["variableEvents"] += !n.event.variable_events.empty();
    c["timer value"] += bool(n.event.timer_value);
    c["condition"] += bool(n.event.condition);
    c["attachedToRef"] += n.attached_to != no_node;
    c["asyncBefore"] += n.async_before + (n.loop ? n.loop->async_before : false);
    c["asyncAfter"] += n.async_after + (n.loop ? n.loop->async_after : false);
    c["exclusive=false"] += !n.exclusive + (n.loop ? !n.loop->exclusive : false);
    c["retry"] += bool(n.retry_cycle) + (n.loop ? bool(n.loop->retry_cycle) : false);
    c["formKey"] += bool(n.form_key);
    c["field"] += n.fields.size();
    c["multiInstance"] += n.loop.has_value();
    if (n.loop) {
      c["collection"] += bool(n.loop->collection) + !n.loop->collection_variable.empty();
      c["elementVariable"] += !n.loop->element_variable.empty();
      c["sequential"] += n.loop->sequential;
    }
    count_delegate(c, n.run);
    count_delegate(c, n.event.run);
    count_listeners(c, n.listeners, "executionListener");
    count_listeners(c, n.task_listeners, "taskListener");
    count_parameters(c, n.inputs, "inputParameter");
    count_parameters(c, n.outputs, "outputParameter");
  }
  c["sequenceFlow"] = d.flows.size();
  for (const auto& f : d.flows) {
    c["conditionExpression"] += bool(f.condition);
    count_listeners(c, f.listeners, "executionListener");
  }
  std::erase_if(c, [](const auto& entry) { return entry.second == 0; });
  return c;
}

counts count_xml(const pugi::xml_document& doc) {
  counts c;
  const auto n = [&](const std::string& path) { return doc.select_nodes(path.c_str()).size(); };
  c["versionTag"] = n("//bpmn:process/@camunda:versionTag[string()]");
  c["historyTimeToLive"] = n("//bpmn:process/@camunda:historyTimeToLive");
  c["process name"] = n("//bpmn:process/@name");
  for (int k = 0; k <= static_cast<int>(node_kind::sub_process); ++k) {
    const std::string name = name_of(static_cast<node_kind>(k));
    c[name] = n("//bpmn:" + name);
    c["node name"] += n("//bpmn:" + name + "/@name[string()]");
    if (k > static_cast<int>(node_kind::boundary_event)) continue;
    for (int e = 1; e <= static_cast<int>(event_kind::conditional); ++e) {
      const std::string event = name_of(static_cast<event_kind>(e));
      c[name + "/" + event] = n("//bpmn:" + name + "/bpmn:" + event + "EventDefinition");
    }
  }
  c["outgoing"] = n("//bpmn:outgoing");
  c["incoming"] = n("//bpmn:incoming");
  c["default"] = n("//@default");
  for (const std::string name :
       {"errorCodeVariable", "errorMessageVariable", "variableName", "variableEvents", "formKey", "collection", "elementVariable"})
    c[name] = n("//@camunda:" + name);
  c["timer value"] = n("//bpmn:timeDate | //bpmn:timeDuration | //bpmn:timeCycle");
  c["condition"] = n("//bpmn:condition");
  c["attachedToRef"] = n("//@attachedToRef");
  c["asyncBefore"] = n("//@camunda:asyncBefore[string()='true']");
  c["asyncAfter"] = n("//@camunda:asyncAfter[string()='true']");
  c["exclusive=false"] = n("//@camunda:exclusive[string()='false']");
  c["retry"] = n("//camunda:failedJobRetryTimeCycle");
  c["field"] = n("//camunda:field");
  c["multiInstance"] = n("//bpmn:multiInstanceLoopCharacteristics");
  c["sequential"] = n("//bpmn:multiInstanceLoopCharacteristics[@isSequential='true']");
  c["class"] = n("//bpmn:*/@camunda:class | //camunda:*/@class");
  c["delegate expression"] =
      n("//bpmn:*/@camunda:expression | //camunda:executionListener/@expression | //camunda:taskListener/@expression");
  c["executionListener"] = n("//camunda:executionListener");
  c["taskListener"] = n("//camunda:taskListener");
  c["inputParameter"] = n("//camunda:inputParameter");
  c["outputParameter"] = n("//camunda:outputParameter");
  c["sequenceFlow"] = n("//bpmn:sequenceFlow");
  c["conditionExpression"] = n("//bpmn:conditionExpression[normalize-space(.)]");
  std::erase_if(c, [](const auto& entry) { return entry.second == 0; });
  return c;
}

}  // namespace

TEST_CASE("every model of the corpus reads, with the counts of an independent XPath count", "[corpus]") {
  const auto files = corpus();
  if (files.empty()) {
    std::cout << "skipped: no corpus at ../shared/corpus/bpmn\n";
    return;
  }
  REQUIRE(files.size() >= 64);
  std::size_t nodes = 0;
  for (const auto& p : files) {
    INFO(p);
    const auto text = replaced(p);
    const auto definitions = read_bpmn(text, p.filename().string());
    INFO((definitions ? std::string() : definitions.error().to_string()));
    REQUIRE(definitions);
    pugi::xml_document doc;
    REQUIRE(doc.load_string(text.c_str()));
    // The corpus uses the prefixes bpmn and camunda throughout, so XPath may count by them.
    CHECK(definitions->size() == doc.select_nodes("//bpmn:process").size());
    counts read;
    for (const auto& d : *definitions) {
      CHECK(d->executable);
      for (const auto& [name, count] : count_model(*d)) read[name] += count;
      nodes += d->nodes.size();
      for (const auto& n : d->nodes) {
        const auto element = doc.select_node(("//bpmn:*[@id='" + n.id + "']").c_str()).node();
        REQUIRE(element);
        CHECK(n.line == 1 + std::count(text.begin(), text.begin() + element.offset_debug(), '\n'));
        CHECK(d->find(n.id) == static_cast<node_index>(&n - d->nodes.data()));
        std::vector<std::string> outgoing;
        for (const auto f : doc.select_nodes(("//bpmn:sequenceFlow[@sourceRef='" + n.id + "']").c_str()))
          outgoing.push_back(f.node().attribute("id").value());
        std::vector<std::string> have;
        for (const auto f : n.outgoing) have.push_back(d->flows[f].id);
        CHECK(have == outgoing);
      }
    }
    CHECK(read == count_xml(doc));
  }
  CHECK(nodes > 700);
}

}  // namespace dsf::bpmn
