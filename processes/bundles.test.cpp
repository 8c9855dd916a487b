#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/json.hpp"
#include "bpmn/lint.hpp"
#include "bpmn/model.hpp"
#include "bpmn/placeholder.hpp"
#include "processes/register.hpp"

namespace dsf::processes {
namespace {

namespace fs = std::filesystem;

const fs::path source = DSF_SOURCE_DIR;

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  if (!in) throw std::runtime_error("can't read " + file.string());
  return std::move(out).str();
}

std::string replaced(const fs::path& file, bpmn::placeholder_file kind) {
  bpmn::placeholder_values values;
  values.version = "1.0";
  values.date = "2026-11-22";
  values.organization = "hrp.example";
  values.property = [](std::string_view) { return std::optional<std::string>{}; };
  auto out = bpmn::replace_placeholders(text_of(file), file.string(), kind, values);
  if (!out) throw std::runtime_error(out.error().to_string());
  return *out;
}

std::vector<fs::path> files(const fs::path& folder, const std::string& extension) {
  std::vector<fs::path> out;
  for (const auto& e : fs::recursive_directory_iterator(folder))
    if (e.path().extension() == extension) out.push_back(e.path());
  std::ranges::sort(out);
  return out;
}

std::vector<std::shared_ptr<const bpmn::definition>> read_model(const fs::path& file) {
  auto read = bpmn::read_bpmn(replaced(file, bpmn::placeholder_file::bpmn), file.string());
  INFO((read ? "" : read.error().to_string()));
  REQUIRE(read);
  return *read;
}

bool is_ours(const std::string& url) { return url.starts_with("https://dsfd.invalid/"); }

std::set<std::string> classes(const bpmn::definition& d) {
  std::set<std::string> out;
  const auto add = [&](const bpmn::delegate& run) {
    if (!run.class_name.empty()) out.insert(run.class_name);
  };
  for (const auto& n : d.nodes) {
    add(n.run);
    add(n.event.run);
    for (const auto& l : n.listeners) add(l.run);
    for (const auto& l : n.task_listeners) add(l.run);
  }
  for (const auto& f : d.flows)
    for (const auto& l : f.listeners) add(l.run);
  for (const auto& l : d.listeners) add(l.run);
  return out;
}

void all_have_handlers(const fs::path& folder) {
  plugins::handler_registry registry;
  register_handlers(registry);
  for (const auto& file : files(folder, ".bpmn"))
    for (const auto& d : read_model(file)) {
      const auto names = classes(*d);
      CHECK_FALSE(names.empty());
      for (const auto& name : names) {
        INFO(file.filename() << " " << d->key << " " << name);
        CHECK(registry.find(d->key, d->version_tag, name));
      }
    }
}

}  // namespace

// Would find: a model that does not read, a class without a handler, a lint finding that stops the deployment.
TEST_CASE("bundles: the models read and every class has a handler") {
  for (const auto folder :
       {"processes/ping/bundle", "processes/ping2/bundle", "processes/feasibility/bundle", "processes/allow_list/bundle"}) {
    all_have_handlers(source / folder);
    for (const auto& file : files(source / folder, ".bpmn"))
      for (const auto& finding : bpmn::lint(read_model(file), "1.0")) FAIL_CHECK(file.filename().string() << ": " << finding.text);
  }
}

// Would find: DSF's or MII's own models needing something that ours do not.
TEST_CASE("bundles: the public models run with the same handlers") {
  const auto corpus = source / "../shared/corpus/bpmn";
  if (!fs::exists(corpus)) {
    WARN("skipped: no corpus beside the checkout");
    return;
  }
  const std::pair<const char*, const char*> same[] = {
      {"dsf-process-ping-pong/ping.bpmn", "ping/bundle/bpe/ping.bpmn"},
      {"dsf-process-allow-list/update-allow-list.bpmn", "allow_list/bundle/bpe/update-allow-list.bpmn"},
      {"dsf-process-allow-list/download-allow-list.bpmn", "allow_list/bundle/bpe/download-allow-list.bpmn"},
      {"dsf-process-ping-pong/pong.bpmn", "ping/bundle/bpe/pong.bpmn"},
      {"dsf-process-ping-pong/ping-autostart.bpmn", "ping/bundle/bpe/ping-autostart.bpmn"},
      {"mii-process-feasibility/feasibilityRequest.bpmn", "feasibility/bundle/bpe/feasibilityRequest.bpmn"},
      {"mii-process-feasibility/feasibilityExecute.bpmn", "feasibility/bundle/bpe/feasibilityExecute.bpmn"},
  };
  all_have_handlers(corpus / "dsf-process-allow-list");
  all_have_handlers(corpus / "dsf-process-ping-pong");
  all_have_handlers(corpus / "mii-process-feasibility");
  for (const auto& [theirs, ours] : same) {
    INFO(theirs);
    const auto a = read_model(corpus / theirs), b = read_model(source / "processes" / ours);
    REQUIRE(a.size() == b.size());
    CHECK(a[0]->key == b[0]->key);
    CHECK(classes(*a[0]) == classes(*b[0]));
  }
}

// Would find: a resource that the deployment refuses, a canonical, message or code that Java sites don't know, a file nobody deploys.
TEST_CASE("bundles: the resources") {
  const auto corpus = source / "../shared/corpus/fhir";
  for (const auto& [folder, theirs] :
       {std::pair{"ping", "dsf-process-ping-pong"}, {"feasibility", "mii-process-feasibility"}, {"allow_list", "dsf-process-allow-list"}}) {
    const auto bundle = source / "processes" / folder / "bundle";
    const auto yaml = text_of(bundle / "plugin.yaml");
    std::string public_text;
    if (fs::exists(corpus / theirs))
      for (const auto& f : files(corpus / theirs, ".xml")) public_text += text_of(f);
    else
      WARN("skipped the comparison: no corpus beside the checkout");
    // What is ours alone is named so, and is not looked for in theirs.
    std::set<std::string> ours;
    for (const auto& file : files(bundle / "fhir/CodeSystem", ".json"))
      if (const auto r = base::json::parse(text_of(file)); r && is_ours((*r)["url"].str())) {
        ours.insert((*r)["url"].str());
        for (const auto& c : (*r)["concept"]) ours.insert(c["code"].str());
      }
    for (const auto& file : files(bundle / "fhir", ".json")) {
      INFO(file);
      CHECK(yaml.find(fs::relative(file, bundle).string()) != yaml.npos);
      auto r = base::json::parse(replaced(file, bpmn::placeholder_file::fhir));
      REQUIRE(r);
      CHECK((*r)["resourceType"].str() == file.parent_path().filename());
      if ((*r)["resourceType"].str() == "Task") {
        CHECK((*r)["status"].str() == "draft");
        CHECK((*r)["requester"]["identifier"]["value"].str() == "hrp.example");
        if (!public_text.empty())
          CHECK(public_text.find((*r)["instantiatesCanonical"].str().substr(0, (*r)["instantiatesCanonical"].str().find('|'))) !=
                public_text.npos);
        continue;
      }
      CHECK((*r)["status"].str() == "unknown");
      CHECK((*r)["version"].str() == "1.0");
      CHECK((*r)["date"].str() == "2026-11-22");
      CHECK((*r)["meta"]["tag"][0]["code"].str() == "ALL");
      if (public_text.empty() || is_ours((*r)["url"].str())) continue;
      CHECK(public_text.find("\"" + (*r)["url"].str() + "\"") != public_text.npos);
      for (const auto& c : (*r)["concept"]) CHECK(public_text.find("\"" + c["code"].str() + "\"") != public_text.npos);
      for (const auto& e : (*r)["differential"]["element"])
        for (const auto name : {"fixedString", "fixedUri", "fixedCode"})
          if (const auto* fixed = e.find(name); fixed && !ours.contains(fixed->str()))
            CHECK(public_text.find("\"" + fixed->str() + "\"") != public_text.npos);
    }
  }
}

}  // namespace dsf::processes
