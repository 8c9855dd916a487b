// dsf-bench wire --target: any DSF site, with nothing of ours but the load generator.
#include <fmt/format.h>

#include <atomic>
#include <fstream>
#include <iterator>

#include "base/entropy.hpp"
#include "base/json.hpp"
#include "base/uuid.hpp"
#include "bench/commands.hpp"
#include "bench/load_client.hpp"
#include "bench/machine.hpp"
#include "bench/open_loop.hpp"
#include "net/https_client.hpp"
#include "net/query.hpp"

namespace dsf::bench {
namespace {

using base::fail;
using base::json;
using base::result;

constexpr std::int64_t search_timeout_ms = 30'000;
// What a member of a network may read of another site: its Tasks if there are any, else its allow-list.
constexpr const char* searches[] = {"Task?_count=500", "Organization?_count=500", "Endpoint?_count=500"};
const std::string message_codes = "http://dsf.dev/fhir/CodeSystem/bpmn-message";
const std::string key_place = "dsf-bench-business-key";

class path_reader final : public conversation {
public:
  path_reader(const std::vector<std::string>& requests, std::size_t first) : requests_(&requests), at_(first % requests.size()) {}
  next request(std::string& out, std::int64_t) override {
    out += (*requests_)[at_];
    at_ = (at_ + 1) % requests_->size();
    return {};
  }
  bool answer(int status, std::string_view, std::string_view, std::int64_t) override { return status == 200; }

private:
  const std::vector<std::string>* requests_;
  std::size_t at_;
};

// The same Task with another business key each time.
class body_sender final : public conversation {
public:
  body_sender(const std::string& head, const std::string& body) : head_(&head), body_(&body) {}
  next request(std::string& out, std::int64_t) override {
    auto body = *body_;
    if (const auto at = body.find(key_place); at != body.npos)
      body.replace(at, key_place.size(), base::uuid::random(base::system_entropy()).to_string());
    fmt::format_to(std::back_inserter(out), "{}Content-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n{}", *head_, body.size(),
                   body);
    return {};
  }
  bool answer(int status, std::string_view, std::string_view, std::int64_t) override { return status == 201; }

private:
  const std::string* head_;
  const std::string* body_;
};

class target_run {
public:
  target_run(const target_options& o, report& out) : o_(o), out_(&out) {}

  result<> run() {
    const auto url = TRY(net::parse_url(o_.url));
    if (!url.tls())
      return fail(base::errc::invalid_argument, "a DSF site is reached over https; name its base address as https://host/fhir", o_.url);
    load_.host = url.host;
    load_.port = url.port;
    load_.certificate = o_.certificate;
    load_.key = o_.key;
    load_.trust = o_.trust;
    base_ = url.target;
    while (base_.ends_with('/')) base_.pop_back();
    authority_ = url.authority();
    out_->about(TRY(look_at_machine(o_.common.folder)));
    out_->note(
        fmt::format("{}, {} connections kept alive, load generator on {} thread(s), {:.1f} s x {} run(s); device and cores are of the "
                    "load generator's machine",
                    o_.url, o_.connections, o_.threads, o_.seconds, o_.common.runs));
    if (wanted("target.read")) TRY(reads());
    if (!o_.task.empty() && wanted("target.task_create")) TRY(creates());
    return {};
  }

private:
  [[nodiscard]] bool wanted(std::string_view name) const { return name.starts_with(o_.common.only); }

  load_plan plan(std::function<std::unique_ptr<conversation>(unsigned)> make) const {
    load_plan p;
    p.target = load_;
    p.connections = o_.connections;
    p.threads = o_.threads;
    p.seconds = o_.seconds;
    p.make = std::move(make);
    return p;
  }

  result<> measure(const std::string& name, const std::string& unit, const load_plan& p) {
    std::vector<figure> runs;
    for (unsigned run = 0; run < o_.common.runs; ++run) {
      auto got = TRY(run_load(p));
      figure f;
      f.name = name;
      f.unit = unit;
      f.value = static_cast<double>(got.exchanges) / got.seconds;
      set_latencies(f, got.samples_us);
      const auto n = static_cast<double>(got.exchanges);
      f.more = {{"client_cpu_us", static_cast<double>(got.cpu_us) / n},
                {"bytes_out", static_cast<double>(got.bytes_out) / n},
                {"bytes_in", static_cast<double>(got.bytes_in) / n},
                {"reconnects", static_cast<double>(got.reconnects)},
                {"connections", o_.connections}};
      runs.push_back(std::move(f));
    }
    const auto middle = median_of(runs);
    out_->add(middle);
    if (!o_.open_loop) return {};
    for (const auto& f : TRY(open_loop(name, unit, middle.value, o_.common.runs, p))) out_->add(f);
    return {};
  }

  result<> reads() {
    net::client_options c;
    c.identity = TRY(net::tls_identity::load({o_.certificate, o_.key, {}, {}, o_.trust}));
    net::https_client client(std::move(c));
    for (const auto* search : searches) {
      net::client_request r;
      r.url = fmt::format("https://{}{}/{}", authority_, base_, search);
      r.headers.add("Accept", "application/fhir+json");
      const auto answer = TRY(client.send_and_wait(std::move(r), search_timeout_ms));
      if (answer.status == 403 || answer.status == 401)
        return fail(base::errc::invalid_argument,
                    fmt::format("the site answers {}: this certificate is not on its allow-list", answer.status), o_.url);
      if (answer.status != 200) continue;
      const auto bundle = TRY(json::parse(answer.body));
      const auto type = std::string(search).substr(0, std::string_view(search).find('?'));
      for (const auto& e : bundle["entry"])
        if (e["resource"]["resourceType"].str() == type && !e["resource"]["id"].str().empty())
          requests_.push_back(fmt::format("GET {}/{}/{} HTTP/1.1\r\nHost: {}\r\nAccept: application/fhir+json\r\n\r\n", base_, type,
                                          e["resource"]["id"].str(), authority_));
      if (!requests_.empty()) {
        out_->note(fmt::format("target.read: {} resources of type {}", requests_.size(), type));
        return measure("target.read", "requests/s", plan([&](unsigned i) { return std::make_unique<path_reader>(requests_, i * 37); }));
      }
    }
    return fail(base::errc::invalid_argument, "the site shows this certificate neither Tasks nor Organizations nor Endpoints", o_.url);
  }

  result<> creates() {
    std::ifstream in(o_.task);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    auto task = json::parse(text);
    if (!in || !task || (*task)["resourceType"].str() != "Task")
      return fail(base::errc::invalid_argument, "this is no Task in FHIR JSON" + (task ? std::string() : ": " + task.error().text()),
                  o_.task);
    task->erase("id");
    task->set("status", "requested");
    task->set("authoredOn", base::to_iso(base::system_clock_source().now()));
    if (auto* inputs = task->find("input"); inputs != nullptr && inputs->if_array() != nullptr)
      for (auto& input : *inputs->if_array())
        for (const auto& c : input["type"]["coding"])
          if (c["system"].str() == message_codes && c["code"].str() == "business-key") input.set("valueString", key_place);
    const auto body = task->dump();
    const auto head = fmt::format("POST {}/Task HTTP/1.1\r\nHost: {}\r\nAccept: application/fhir+json\r\n", base_, authority_);
    return measure("target.task_create", "Tasks/s", plan([&](unsigned) { return std::make_unique<body_sender>(head, body); }));
  }

  target_options o_;
  report* out_;
  load_target load_;
  std::string base_, authority_;
  std::vector<std::string> requests_;
};

}  // namespace

result<> measure_target(const target_options& options, report& out) { return target_run(options, out).run(); }

}  // namespace dsf::bench
