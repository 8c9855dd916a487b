// The deployed process definitions, by key and version tag and by hash. Thread-safe; readers never wait for a deployment.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "bpmn/model.hpp"

namespace dsf::actors {

enum class process_state : std::uint8_t { active, draft, retired, excluded };  // dsf-bpe 3.6

struct deployed_process {
  std::shared_ptr<const bpmn::definition> definition;
  process_state state = process_state::active;
  std::string send_deadline;  // ISO 8601 duration; how long a message of this process is tried (docs/design.md, decision 20)
};

class definitions {
public:
  // The newest deployment of a key and version; of status active or draft. Null pointer: "Process not found".
  [[nodiscard]] std::shared_ptr<const deployed_process> find(std::string_view key, std::string_view version) const;
  // Any definition ever loaded, also one that only old instances use.
  [[nodiscard]] std::shared_ptr<const deployed_process> by_hash(std::string_view sha256) const;
  [[nodiscard]] std::vector<std::shared_ptr<const deployed_process>> all() const;

  void add(deployed_process process);
  // Makes a definition known without making it startable.
  void remember(std::shared_ptr<const bpmn::definition> definition);

private:
  struct tables {
    std::map<std::string, std::shared_ptr<const deployed_process>, std::less<>> by_name;  // key|version
    std::map<std::string, std::shared_ptr<const deployed_process>, std::less<>> by_hash;
  };
  std::shared_ptr<const tables> current() const;
  mutable std::mutex mutex_;
  std::shared_ptr<const tables> tables_ = std::make_shared<const tables>();
};

}  // namespace dsf::actors
