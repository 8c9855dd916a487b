// Four sites that run the unchanged files of a public process plugin, and what a test asks them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "site/ctl/demo/consortium.hpp"
#include "tests/corpus/expect.hpp"
#include "tests/support/programs.hpp"

namespace dsf::tests {

struct corpus_process {
  std::string model;                   // below bpmn/<plugin> of the corpus
  std::vector<std::string> resources;  // below fhir/<plugin>
};
struct corpus_plugin {
  std::string name, version, release_date;
  std::vector<corpus_process> processes;
};

// Beside the checkout; empty if it is not there.
std::filesystem::path corpus_folder();

class corpus_sites {
public:
  // Throws with a reason when the sites can't be set up; `patients` go to each hospital, none are made for 0.
  corpus_sites(const corpus_plugin& plugin, std::uint32_t patients);
  ~corpus_sites();

  site::ctl::demo_site& at(const std::string& name);
  std::vector<site::ctl::demo_site*> hospitals();
  site::started_task start(const std::string& site, const site::start_request& request);
  // What the site's endpoint answers, as its own organisation reads it.
  base::json read(const std::string& site, const std::string& path);
  base::json post(const std::string& site, const base::json& body);
  // The matches of a search, all on one page.
  std::vector<base::json> search(const std::string& site, const std::string& query);
  // Reads until the status is neither requested nor in-progress.
  base::json wait_for_end(const std::string& site, const std::string& task);
  // Of a Task at the site: what differs from expected/<name>.json, in its first version (as it was received) and now that it has ended.
  std::vector<std::string> differences(expectation& e, const std::string& name, const std::string& site, const base::json& task);
  // Tasks at the site with this business key and message name.
  std::vector<base::json> tasks(const std::string& site, const std::string& message, const std::string& business_key);
  // Files of the corpus that the plugin does not name, and resources it names that are not on the site's endpoint exactly once.
  std::vector<std::string> missing_resources(const std::string& site);

private:
  corpus_plugin plugin_;
  temp_folder folder_;
  std::unique_ptr<site::ctl::consortium> sites_;
};

// tests/corpus/expected/<name>.json
base::json expected_document(const std::string& name);
// The input or output of that code, a null value if there is none.
const base::json& parameter_of(const base::json& task, const char* list, const std::string& code);

}  // namespace dsf::tests
