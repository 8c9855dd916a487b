// Would find: a Task that is refused or lost while a partner changes its certificate, and an old certificate that stays good (domain 6.1, roll-over).
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "base/entropy.hpp"
#include "base/json.hpp"
#include "base/uuid.hpp"
#include "net/pki.hpp"
#include "tests/wire/wire_site.hpp"

using namespace dsf;
using namespace dsf::tests;

namespace {

constexpr std::int64_t answer_timeout_ms = 30'000;
constexpr int senders = 6, tasks_a_phase = 40;
constexpr auto organizations = "Organization?identifier=http://dsf.dev/sid/organization-identifier%7Csite-b.example";

std::string filled(std::string text, std::string_view name, std::string_view value) {
  for (auto at = text.find(name); at != text.npos; at = text.find(name, at + value.size())) text.replace(at, name.size(), value);
  return text;
}

net::client_request asking(std::string method, const std::string& path, std::string body = {}) {
  net::client_request q;
  q.method = std::move(method);
  q.url = wire_site::shared().base() + "/" + path;
  q.headers = {{"Content-Type", "application/fhir+json"}, {"Accept", "application/fhir+json"}};
  q.body = std::move(body);
  return q;
}

net::client_response local(net::client_request q) {
  return must(wire_site::shared().client("local").send_and_wait(std::move(q), answer_timeout_ms));
}

// Partner site-b as its allow-list entry names it.
class partner_entry {
public:
  partner_entry() {
    const auto found = must(base::json::parse(local(asking("GET", organizations)).body));
    if (found["total"].int_or(0) != 1) throw std::runtime_error("site-b.example is not listed once");
    before_ = found["entry"][std::size_t{0}]["resource"];
  }
  ~partner_entry() { local(asking("PUT", path(), before_.dump())); }
  partner_entry(const partner_entry&) = delete;
  int list(const std::vector<std::string>& thumbprints) {
    base::json::array extensions;
    for (const auto& t : thumbprints)
      extensions.push_back(must(base::json::parse(
          fmt::format(R"({{"url":"http://dsf.dev/fhir/StructureDefinition/extension-certificate-thumbprint","valueString":"{}"}})", t))));
    auto next = before_;
    next.set("extension", std::move(extensions));
    return local(asking("PUT", path(), next.dump())).status;
  }

private:
  [[nodiscard]] std::string path() const { return "Organization/" + std::string(before_["id"].str()); }
  base::json before_;
};

// Sends Tasks one after another on its own thread, with the certificate that is in use at that moment.
class sender {
public:
  sender(const std::string& task, net::https_client& old_one, net::https_client& new_one) {
    thread_ = std::thread([this, &task, &old_one, &new_one] {
      while (!stop_) {
        const auto key = base::uuid::random(base::system_entropy()).to_string();
        auto& with = new_certificate ? new_one : old_one;
        const auto answer = with.send_and_wait(asking("POST", "Task", filled(task, "${uuid}", key)), answer_timeout_ms);
        if (answer && answer->status == 201)
          locations.push_back(std::string(answer->headers.value("Location")));
        else
          faults.push_back(answer ? std::to_string(answer->status) + " " + answer->body : answer.error().to_string());
        ++sent;
      }
    });
  }
  ~sender() { end(); }
  void end() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::atomic<bool> new_certificate = false;
  std::atomic<int> sent = 0;
  std::vector<std::string> locations, faults;  // to be read after end()

private:
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace

TEST_CASE("a partner's certificate is changed under load: both are good meanwhile, and no Task is refused or lost", "[roll-over]") {
  auto& site = wire_site::shared();
  const auto folder = site.folder();
  const net::pki_files ca{folder / "ca.pem", folder / "ca.key"}, next{folder / "site-b-next.pem", folder / "site-b-next.key"};
  must(net::issue_certificate({.common_name = "site-b.example"}, ca, {}, next));
  const auto old_print = must(net::thumbprint_of(folder / "site-b.pem")), new_print = must(net::thumbprint_of(next.certificate));
  auto& old_client = site.client("site-b");
  auto& new_client = site.client("site-b-next");
  const auto task =
      filled(read_text(std::filesystem::path(DSF_SOURCE_DIR) / "tests/wire/bodies/task.json"), "${self}", wire_site::name_of("site-b"));
  partner_entry entry;
  CHECK(must(new_client.send_and_wait(asking("GET", "metadata"), answer_timeout_ms)).status == 403);

  std::vector<std::unique_ptr<sender>> all;
  for (int i = 0; i < senders; ++i) all.push_back(std::make_unique<sender>(task, old_client, new_client));
  const auto phase = [&] {
    for (auto& s : all)
      for (const int goal = s->sent + tasks_a_phase / senders + 1; s->sent < goal;)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
  };
  phase();
  CHECK(entry.list({old_print, new_print}) == 200);
  phase();
  for (int i = 0; i < senders; i += 2) all[i]->new_certificate = true;
  phase();
  for (auto& s : all) s->new_certificate = true;
  phase();
  CHECK(entry.list({new_print}) == 200);
  phase();
  for (auto& s : all) s->end();

  std::size_t created = 0;
  for (const auto& s : all) {
    CHECK(s->faults == std::vector<std::string>{});
    for (const auto& location : s->locations) {
      const auto path = location.substr(site.base().size() + 1);
      CHECK(must(new_client.send_and_wait(asking("GET", path), answer_timeout_ms)).status == 200);
      ++created;
    }
  }
  CHECK(created > tasks_a_phase * 5);
  // The old certificate stopped being good with the change, also on connections that are open.
  const auto late = must(old_client.send_and_wait(asking("GET", "metadata"), answer_timeout_ms));
  CHECK(late.status == 403);
}
