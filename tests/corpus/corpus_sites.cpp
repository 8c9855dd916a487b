#include "tests/corpus/corpus_sites.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace dsf::tests {
namespace {

namespace fs = std::filesystem;
using base::json;

// Long, for machines that do much else at the same time: sites were seen to need a minute to start.
constexpr std::int64_t start_timeout_ms = 180'000;
constexpr std::int64_t work_timeout_ms = 180'000;
constexpr std::uint16_t ports_from = 19'440;
// The corpus has the place of the version only; two of its four parts are the resources' version.
constexpr std::string_view resource_version = "1.0";

template <class T>
T must(base::result<T> r) {
  if (!r) throw std::runtime_error(r.error().to_string());
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

void copy_to(const fs::path& from, const fs::path& to) {
  fs::create_directories(to.parent_path());
  fs::copy_file(from, to);
}

// plugin.yaml is the only file of the bundle that is not the plugin's own: the Java plugin says the same in its classes.
void make_bundle(const corpus_plugin& p, const fs::path& folder) {
  const auto bpmn = corpus_folder() / "bpmn" / p.name, fhir = corpus_folder() / "fhir" / p.name;
  std::string yaml = fmt::format("name: {}\nversion: {}\nrelease_date: {}\nprocesses:\n", p.name, p.version, p.release_date);
  std::set<std::string> copied;
  for (const auto& process : p.processes) {
    copy_to(bpmn / process.model, folder / "bpe" / process.model);
    yaml += fmt::format("  - model: bpe/{}\n    resources:\n", process.model);
    for (const auto& r : process.resources) {
      yaml += fmt::format("      - fhir/{}\n", r);
      if (copied.insert(r).second) copy_to(fhir / r, folder / "fhir" / r);
    }
  }
  write_text(folder / "plugin.yaml", yaml);
}

std::string first_match(const std::string& text, const char* pattern) {
  std::string out;
  RE2::PartialMatch(text, pattern, &out);
  RE2::GlobalReplace(&out, R"(#\{version\})", re2::StringPiece(resource_version.data(), resource_version.size()));
  return out;
}

}  // namespace

fs::path corpus_folder() {
  const fs::path folder = fs::path(DSF_SOURCE_DIR) / "../shared/corpus";
  return fs::exists(folder / "bpmn") && fs::exists(folder / "fhir") ? fs::canonical(folder) : fs::path{};
}

corpus_sites::corpus_sites(const corpus_plugin& plugin, std::uint32_t patients) : plugin_(plugin), folder_("corpus") {
  make_bundle(plugin, folder_ / "processes" / plugin.name);
  site::ctl::demo_options d;
  d.folder = (folder_ / "sites").string();
  d.patients = patients;
  d.first_port = free_block(ports_from);
  d.program = dsfd_program();
  d.processes = (folder_ / "processes").string();
  sites_ = must(site::ctl::consortium::prepare(d));
  for (auto& s : sites_->sites) must(sites_->start(*s));
  for (auto& s : sites_->sites) must(sites_->wait_until_ready(*s, start_timeout_ms));
  for (auto* s : hospitals())
    if (patients > 0) must(s->admin->import(must(sites_->make_patients(*s)).string(), [](const site::import_progress&) { return true; }));
}

corpus_sites::~corpus_sites() {
  if (sites_) sites_->stop_all();
}

site::ctl::demo_site& corpus_sites::at(const std::string& name) {
  for (auto& s : sites_->sites)
    if (s->name == name) return *s;
  throw std::runtime_error("there is no site " + name);
}

std::vector<site::ctl::demo_site*> corpus_sites::hospitals() {
  std::vector<site::ctl::demo_site*> out;
  for (auto& s : sites_->sites)
    if (s->holds_data()) out.push_back(s.get());
  return out;
}

site::started_task corpus_sites::start(const std::string& site, const site::start_request& request) {
  return must(at(site).admin->start_task(request));
}
json corpus_sites::read(const std::string& site, const std::string& path) { return must(sites_->read(at(site), path)); }
json corpus_sites::post(const std::string& site, const json& body) { return must(sites_->post(at(site), "", body)); }

std::vector<json> corpus_sites::search(const std::string& site, const std::string& query) {
  const auto bundle = read(site, query + (query.find('?') == query.npos ? "?" : "&") + "_count=500");
  std::vector<json> out;
  for (const auto& e : bundle["entry"])
    if (e["search"]["mode"].str() == "match") out.push_back(e["resource"]);
  if (bundle["total"].int_or(-1) != static_cast<std::int64_t>(out.size()))
    throw std::runtime_error(fmt::format("{} at {}: total {}, entries {}", query, site, bundle["total"].dump(), out.size()));
  return out;
}

json corpus_sites::wait_for_end(const std::string& site, const std::string& task) {
  json last;
  for (std::int64_t waited = 0; waited < work_timeout_ms; waited += 100, ::usleep(100'000)) {
    last = read(site, task);
    if (last["status"].str() != "requested" && last["status"].str() != "in-progress") return last;
  }
  throw std::runtime_error(fmt::format("{} at {} did not end in {} s: {}", task, site, work_timeout_ms / 1000, last.dump()));
}

std::vector<std::string> corpus_sites::differences(expectation& e, const std::string& name, const std::string& site, const json& task) {
  const auto document = expected_document(name);
  auto expected = document["received"];
  auto out = e.differences(expected, read(site, "Task/" + task["id"].str() + "/_history/1"));
  for (auto& line : out) line = name + " as received: " + line;
  // Afterwards only what the process itself adds is other.
  expected.set("status", "completed");
  expected.find("meta")->set("versionId", "{{:digits}}");
  if (const auto* output = document.find("output")) expected.set("output", *output);
  for (const auto& line : e.differences(expected, task)) out.push_back(name + " when it has ended: " + line);
  return out;
}

std::vector<json> corpus_sites::tasks(const std::string& site, const std::string& message, const std::string& business_key) {
  std::vector<json> out;
  for (const auto& task : search(site, "Task?_sort=_lastUpdated"))
    if (parameter_of(task, "input", "message-name")["valueString"].str() == message &&
        parameter_of(task, "input", "business-key")["valueString"].str() == business_key)
      out.push_back(task);
  return out;
}

std::vector<std::string> corpus_sites::missing_resources(const std::string& site) {
  std::vector<std::string> out;
  std::set<std::string> named;
  for (const auto& p : plugin_.processes) {
    named.insert(p.model);
    named.insert(p.resources.begin(), p.resources.end());
  }
  for (const auto kind : {"bpmn", "fhir"}) {
    const auto root = corpus_folder() / kind / plugin_.name;
    for (const auto& file : fs::recursive_directory_iterator(root))
      if (file.is_regular_file() && !named.contains(fs::relative(file, root).string()))
        out.push_back(file.path().filename().string() + " is not in the test's bundle");
  }
  for (const auto& name : named) {
    if (!name.ends_with(".xml")) continue;
    const auto text = read_text(corpus_folder() / "fhir" / plugin_.name / name);
    const auto type = name.substr(0, name.find('/'));
    std::string query;
    if (type == "Task")
      query = fmt::format("Task?status=draft&identifier=http://dsf.dev/sid/task-identifier|{}",
                          first_match(text, R"lit(sid/task-identifier"\s*/>\s*<value value="([^"]+)")lit"));
    else
      query = fmt::format("{}?status=active&url={}&version={}", type, first_match(text, R"lit(\n\s*<url value="([^"]+)")lit"),
                          resource_version);
    if (const auto found = search(site, query).size(); found != 1)
      out.push_back(fmt::format("{}: {} resources on {}'s endpoint for {}", name, found, site, query));
  }
  return out;
}

json expected_document(const std::string& name) {
  return must(json::parse(read_text(fs::path(DSF_SOURCE_DIR) / "tests/corpus/expected" / (name + ".json"))));
}

const json& parameter_of(const json& task, const char* list, const std::string& code) {
  static const json none;
  for (const auto& p : task[list])
    for (const auto& c : p["type"]["coding"])
      if (c["code"].str() == code) return p;
  return none;
}

}  // namespace dsf::tests
