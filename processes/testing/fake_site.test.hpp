// A site in memory for tests of handlers: an allow-list, endpoints that answer from maps, durable values, and everything they were asked.
#pragma once

#include <map>
#include <set>

#include "plugins/binaries.hpp"
#include "plugins/handler.hpp"
#include "processes/messages.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::testing {

using base::json;
using base::result;

// The kinds that the host's services report.
enum class site_errc : std::uint16_t { http_status, not_configured };
inline const base::error_domain& domain_of(site_errc) noexcept {
  static constexpr base::error_domain domain{"site", [](std::uint16_t v) {
                                               return v == 0 ? base::error_entry{"http_status", base::error_kind::unavailable}
                                                             : base::error_entry{"not_configured", base::error_kind::unsupported};
                                             }};
  return domain;
}

inline json parsed(std::string_view text) {
  auto r = json::parse(text);
  if (!r) throw std::runtime_error(r.error().to_string());
  return *r;
}

class fake_endpoint final : public plugins::fhir_client, public plugins::binary_client {
public:
  std::map<std::string, json> answers;  // by "Type/id" or query
  std::map<std::string, json> created;  // by idempotency key
  std::vector<json> transactions;
  json transaction_answer;
  std::vector<std::string> asked;
  std::map<std::string, std::string> binaries;  // bytes by id
  std::string binaries_fail;  // what every request about one is answered with
  std::string security_context;  // of the last one
  std::uint64_t given = 0;       // bytes of the last one read

  result<std::string> create_binary(const plugins::binary_upload& what) override {
    if (!binaries_fail.empty()) return base::fail(site_errc::http_status, binaries_fail, "Binary");
    std::string bytes;
    for (auto piece = TRY(what.content()); !piece.empty(); piece = TRY(what.content())) bytes += piece;
    if (bytes.size() != what.size) return base::fail(site_errc::http_status, "HTTP 400: not as many bytes as announced", "Binary");
    security_context = what.security_context;
    const auto id = "b" + std::to_string(binaries.size() + 1);
    binaries[id] = std::move(bytes);
    return id;
  }
  result<plugins::binary_download> read_binary(std::string_view id, const plugins::byte_sink& to) override {
    if (!binaries_fail.empty()) return base::fail(site_errc::http_status, binaries_fail, "Binary");
    const auto at = binaries.find(std::string(id));
    if (at == binaries.end()) return base::fail(site_errc::http_status, "HTTP 404", "Binary/" + std::string(id));
    constexpr std::size_t piece = 1'000;
    plugins::binary_download out{0, "application/octet-stream"};
    for (std::size_t from = 0; from < at->second.size(); from += piece) {
      const auto bytes = std::string_view(at->second).substr(from, piece);
      out.bytes += bytes.size();
      if (!to(bytes)) break;
    }
    given = out.bytes;
    return out;
  }
  result<> remove_binary(std::string_view id) override {
    if (!binaries_fail.empty()) return base::fail(site_errc::http_status, binaries_fail, "Binary");
    binaries.erase(std::string(id));
    return {};
  }

  result<json> read(std::string_view type, std::string_view id, std::uint64_t version) override {
    auto path = std::string(type) + "/" + std::string(id);
    if (version) path += "/_history/" + std::to_string(version);
    return answer(path);
  }
  result<json> search(std::string_view query) override { return answer(std::string(query)); }
  result<json> create(const json& resource, std::string_view key) override {
    auto& stored = created[std::string(key)];
    if (stored.is_null()) {
      stored = resource;
      stored.set("id", "new-" + std::to_string(created.size()));
    }
    return stored;
  }
  result<json> transaction(const json& bundle) override {
    transactions.push_back(bundle);
    return transaction_answer;
  }

private:
  result<json> answer(const std::string& what) {
    asked.push_back(what);
    const auto at = answers.find(what);
    if (at == answers.end()) return base::fail(site_errc::http_status, "HTTP 404", what);
    return at->second;
  }
};

struct text_sink final : base::log_sink {
  std::string text;
  void line(std::string_view l) override { text.append(l).push_back('\n'); }
};

class fake_site final : public plugins::services {
public:
  std::vector<plugins::member> list;
  std::set<std::tuple<std::string, std::string, std::string>> affiliations;  // parent, member, role
  fake_endpoint own;
  std::map<std::string, std::shared_ptr<fake_endpoint>> others;
  std::map<std::string, std::shared_ptr<plugins::fhir_client>> stores;  // by name
  json configuration;
  std::map<std::string, std::string> state;
  std::function<result<std::uint64_t>(const json&)> count;
  base::manual_clock time;
  double dice = 0.5;
  int uuids = 0;
  std::shared_ptr<text_sink> logged = std::make_shared<text_sink>();
  base::logger logger_{time, "test", base::log_level::debug, logged};

  // hrp.example (research) and dic-a.example, dic-b.example; the local one is given.
  explicit fake_site(std::string local) {
    for (const std::string name : {"dic-a", "dic-b", "hrp"}) {
      const auto organization = name + ".example";
      list.push_back({organization, name, "endpoint." + organization, "https://" + organization + "/fhir", organization == local});
      affiliations.emplace("network.example", organization, name == "hrp" ? "HRP" : "DIC");
      others[list.back().endpoint_url] = std::make_shared<fake_endpoint>();
    }
  }

  plugins::member local() const override {
    for (const auto& m : list)
      if (m.local) return m;
    return {};
  }
  result<std::vector<plugins::member>> members() override { return list; }
  result<std::vector<plugins::member>> members(std::string_view parent, std::string_view role) override {
    std::vector<plugins::member> out;
    for (const auto& m : list)
      if (affiliations.contains({std::string(parent), m.organization_identifier, std::string(role)})) out.push_back(m);
    return out;
  }
  result<std::vector<std::string>> parents_of(std::string_view organization, std::string_view role) override {
    std::vector<std::string> out;
    for (const auto& [parent, member, r] : affiliations)
      if (member == organization && (role.empty() || r == role)) out.push_back(parent);
    return out;
  }
  plugins::fhir_client& local_endpoint() override { return own; }
  std::shared_ptr<plugins::fhir_client> endpoint(std::string_view url) override {
    auto& e = others[std::string(url)];
    if (!e) e = std::make_shared<fake_endpoint>();
    return e;
  }
  result<std::shared_ptr<plugins::fhir_client>> store(std::string_view name) override {
    const auto at = stores.find(std::string(name));
    if (at == stores.end()) return services::store(name);
    return at->second;
  }
  result<std::uint64_t> cohort_count(const json& ccdl) override {
    if (!count) return base::fail(site_errc::not_configured, "this site has no repository");
    return count(ccdl);
  }
  std::map<std::string, std::string, std::less<>> settings;
  std::string setting(std::string_view name) const override {
    const auto at = settings.find(name);
    return at == settings.end() ? std::string{} : at->second;
  }
  json process_configuration(std::string_view) const override { return configuration; }
  result<std::string> update_state(std::string_view name, const std::function<std::string(const std::string&)>& change) override {
    auto& held = state[std::string(name)];
    held = change(held);
    return held;
  }
  base::timestamp now() const override { return time.now(); }
  double uniform() override { return dice; }
  std::string new_uuid() override { return "00000000-0000-4000-8000-00000000000" + std::to_string(++uuids); }
  const base::logger& log() const override { return logger_; }
  base::log_context log_context() const override { return {}; }
};

// An instance started by a Task of `requester` with these inputs.
inline plugins::activation started_by(const std::string& requester, json::array inputs) {
  json task = json::object{{"resourceType", "Task"}, {"id", "t1"}};
  task.set("requester", json::object{{"type", "Organization"}, {"identifier", identifier(organization_sid, requester)}});
  task.set("input", std::move(inputs));
  plugins::activation a;
  a.business_key = "bk";
  a.idempotency_key = "job-1";
  a.start_task = plugins::task_document{"t1", 2, std::make_shared<const json>(std::move(task))};
  a.latest_task = a.start_task;
  a.current_tasks = {*a.start_task};
  return a;
}

inline void message_fields(plugins::activation& a, const std::string& process, const std::string& name, const std::string& profile) {
  a.fields = {{"instantiatesCanonical", bpmn::value(process)}, {"messageName", bpmn::value(name)}, {"profile", bpmn::value(profile)}};
}

inline void refuse(plugins::activation& a, int status, const std::string& text) {
  a.event = "send_error";
  a.fields.emplace_back("error", bpmn::value(text));
  a.fields.emplace_back("http_status", bpmn::value(std::int32_t{status}));
}

// Applies the variables of a completed outcome, so that handlers can be run one after the other.
inline void apply(plugins::activation& a, const plugins::completed& c) {
  for (const auto& change : c.variables) {
    std::erase_if(a.variables, [&](const auto& v) { return v.first == change.name; });
    a.variables.emplace_back(change.name, change.new_value);
  }
}

}  // namespace dsf::processes::testing
