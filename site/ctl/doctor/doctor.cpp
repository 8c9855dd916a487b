#include "site/ctl/doctor/doctor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <ostream>
#include <sstream>

#include "net/certificate_usage.hpp"
#include "net/forward_proxy.hpp"
#include "net/https_client.hpp"
#include "net/io_threads.hpp"
#include "net/websocket.hpp"
#include "site/ctl/doctor/diagnosis.hpp"
#include "site/ctl/doctor/host.hpp"
#include "site/ctl/text_table.hpp"

namespace dsf::site::ctl {
namespace {

using base::json;

const std::string own_endpoint = "own endpoint";
constexpr std::uint64_t answer_limit = 16 << 20;

class examination {
public:
  examination(const loaded_settings& settings, const doctor_options& options, const base::clock& clock)
      : settings_(settings), config_(settings.config), options_(options), clock_(clock) {}

  // Here, not by whoever of the connections lets go last, which may be on one of the threads.
  ~examination() {
    client_.reset();
    if (threads_) threads_->stop();
  }
  examination(const examination&) = delete;
  examination& operator=(const examination&) = delete;

  findings run() {
    out_ = examine_host(settings_, clock_.now());
    if (!settings_.problems.empty() || !open_client()) return std::move(out_);
    us_.organization = config_.organization_identifier;
    us_.thumbprint = identity_->self().thumbprint;
    if (const auto usage = net::usage_of(config_.client_tls.certificate)) us_.may_be_client = usage->client;
    look_at_own_endpoint();
    look_at_partners();
    return std::move(out_);
  }

private:
  using answer = net::result<net::client_response>;

  bool open_client() {
    const auto& c = config_.client_tls;
    auto identity = net::tls_identity::load({c.certificate, c.key, c.key_password, {}, c.trust, c.chain});
    if (!identity) {
      if (c.certificate.empty())
        out_.push_back({"this host", "tls.client certificate", health::fault, "own-certificate",
                        "tls.client.certificate is not set, so nobody can be asked", "set it, with tls.client.key and tls.client.trust"});
      return false;  // examine_host() has said what is wrong
    }
    identity_ = *std::move(identity);
    threads_ = net::io_threads::start(1, "doctor");
    net::client_options o;
    o.identity = identity_;
    o.shared_threads = threads_;
    o.connect_timeout_ms = timeout_ms();
    // As dsfd calls its partners; a wrong proxy setting was told with the settings.
    const auto& p = config_.proxy;
    if (auto proxy = net::forward_proxy::make({p.url, p.username, p.password, p.no_proxy, p.targets}))
      proxy_ = o.proxy = std::make_shared<const net::forward_proxy>(*std::move(proxy));
    client_ = std::make_unique<net::https_client>(std::move(o));
    return true;
  }

  std::int64_t timeout_ms() const { return std::int64_t(options_.timeout_s) * 1'000; }

  std::future<answer> ask(const std::string& address, const std::string& query) {
    net::client_request r;
    r.url = address + "/" + query;
    r.headers.set("Accept", "application/fhir+json");
    r.answer_bytes_at_most = answer_limit;
    auto done = std::make_shared<std::promise<answer>>();
    auto waits = done->get_future();
    client_->send(std::move(r), timeout_ms(), [done](answer a) { done->set_value(std::move(a)); });
    return waits;
  }

  // The engine's half asks where its settings say; partners come to fhir.base_url.
  const std::string& own_address() const { return config_.bpe_endpoint.empty() ? config_.base_url : config_.bpe_endpoint; }

  void look_at_own_endpoint() {
    auto found = diagnose(own_endpoint, own_address(), ask(own_address(), members_query()).get(), us_, clock_.now());
    members_ = std::move(found.members);
    for (auto& f : found.found) {
      if (f.cause == "closed-port") f.mend = "start dsfd, or open its port; partners would come to " + config_.base_url;
      if (f.cause == "not-listed-there") f.mend = "put the own Organization with this thumbprint into fhir.allow_list";
      const bool gone = f.how == health::fault;
      out_.push_back(std::move(f));
      if (gone && members_.empty()) read_allow_list();
    }
    us_.here = find_member(members_, us_.organization);
    if (own_address() != config_.base_url) look_at_public_address();
    look_at_websocket();
  }

  // What the own endpoint would have said, when it is down.
  void read_allow_list() {
    if (config_.allow_list.empty()) return;
    std::ifstream in(config_.allow_list, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (const auto bundle = json::parse(text.str())) members_ = members_of(*bundle);
  }

  void look_at_public_address() {
    for (auto& f : diagnose("own address", config_.base_url, ask(config_.base_url, members_query()).get(), us_, clock_.now()).found) {
      if (f.how == health::fault) {
        // Many hospitals can't reach their own public address from inside.
        f.how = health::warning;
        f.mend = "partners come to this address; from inside it need not be reachable";
      }
      out_.push_back(std::move(f));
    }
  }

  // dsf-fhir-server 5.1: how the engine hears of Tasks.
  void look_at_websocket() {
    auto done = std::make_shared<std::promise<net::result<net::websocket>>>();
    auto waits = done->get_future();
    net::websocket_request r;
    r.url = own_address() + "/ws";
    r.identity = identity_;
    r.connect_timeout_ms = timeout_ms();
    r.proxy = proxy_;
    net::open_websocket(*threads_, std::move(r), {}, [done](net::result<net::websocket> w) { done->set_value(std::move(w)); });
    auto opened = waits.get();
    if (opened) {
      opened->close(1000, "looked");
      out_.push_back({own_endpoint, "websocket", health::good, {}, "opens", {}});
    } else if (std::ranges::none_of(out_, [](const finding& f) { return f.about == own_endpoint && f.how == health::fault; })) {
      out_.push_back({own_endpoint, "websocket", health::fault, "websocket", opened.error().to_string(),
                      "a proxy between engine and endpoint must let WebSockets through"});
    }
  }

  void look_at_partners() {
    auto wanted = options_.partners;
    if (wanted.empty())
      for (const auto& m : members_)
        if (m.organization != us_.organization) wanted.push_back(m.organization);
    std::vector<std::pair<const member*, std::future<answer>>> asked;
    for (const auto& organization : wanted) {
      const auto* m = find_member(members_, organization);
      if (!look_at_listing(organization, m)) continue;
      asked.emplace_back(m, ask(m->address, members_query()));
    }
    std::vector<std::pair<std::string, std::int64_t>> clocks;
    for (auto& [m, waits] : asked) {
      auto found = diagnose(m->organization, m->address, waits.get(), us_, clock_.now());
      if (found.clock_ahead_us) clocks.emplace_back(m->organization, *found.clock_ahead_us);
      std::ranges::move(found.found, std::back_inserter(out_));
      heard_from(*m);
    }
    std::ranges::move(diagnose_clocks(clocks), std::back_inserter(out_));
  }

  // The other direction: whether their Tasks would be let in here.
  bool look_at_listing(const std::string& organization, const member* m) {
    const auto not_listed = [&](std::string text) {
      out_.push_back({organization, "listing", health::fault, "not-listed-here", std::move(text),
                      "load an allow-list that has the partner; until then its requests are answered with 403"});
    };
    if (m == nullptr) {
      not_listed("is no member in our allow-list");
      return false;
    }
    if (!m->active) not_listed("is in our allow-list, but not active");
    if (m->thumbprints.empty()) not_listed("is in our allow-list without a certificate's thumbprint");
    if (m->address.empty()) {
      not_listed("is in our allow-list without an endpoint");
      return false;
    }
    if (m->active && !m->thumbprints.empty())
      out_.push_back({organization, "listing", health::good, {}, "listed here as " + roles_text(*m), {}});
    return true;
  }

  void heard_from(const member& m) {
    const auto a = ask(own_address(), "Task?requester:identifier=http://dsf.dev/sid/organization-identifier|" + m.organization +
                                          "&_sort=-_lastUpdated&_count=1")
                       .get();
    if (!a || a->status != 200) return;
    const auto bundle = json::parse(a->body);
    if (!bundle) return;
    const auto last = base::parse_iso((*bundle)["entry"][0]["resource"]["meta"]["lastUpdated"].str());
    out_.push_back({m.organization,
                    "heard",
                    health::good,
                    {},
                    last ? "last Task from them: " + relative_time(*last, clock_.now()) : "no Task from them so far",
                    {}});
  }

  const loaded_settings& settings_;
  const site_config& config_;
  const doctor_options& options_;
  const base::clock& clock_;
  std::optional<net::tls_identity> identity_;
  std::shared_ptr<const net::forward_proxy> proxy_;
  std::shared_ptr<net::io_threads> threads_;
  std::unique_ptr<net::https_client> client_;
  asker us_;
  std::vector<member> members_;
  findings out_;
};

std::string_view word(health h) {
  switch (h) {
    case health::good: return "ok";
    case health::warning: return "warning";
    case health::fault: break;
  }
  return "FAULT";
}

}  // namespace

findings examine(const loaded_settings& settings, const doctor_options& options, const base::clock& clock) {
  auto all = examination(settings, options, clock).run();
  // Together what is about one, in the order in which they came up.
  std::vector<std::string> order;
  for (const auto& f : all)
    if (std::ranges::find(order, f.about) == order.end()) order.push_back(f.about);
  std::ranges::stable_sort(all, {}, [&](const finding& f) { return std::ranges::find(order, f.about) - order.begin(); });
  return all;
}

base::result<> doctor(ctl_output& o, const loaded_settings& settings, const doctor_options& options) {
  const auto all = examine(settings, options, o.clock);
  const auto faults = std::ranges::count(all, health::fault, &finding::how);
  if (o.json) {
    json::array list;
    for (const auto& f : all)
      list.push_back(json::object{{"about", f.about},
                                  {"check", f.check},
                                  {"health", std::string(f.how == health::fault ? "fault" : word(f.how))},
                                  {"cause", f.cause},
                                  {"text", f.text},
                                  {"mend", f.mend}});
    o.out << json(std::move(list)).dump() << "\n";
  } else {
    std::string about;
    for (const auto& f : all) {
      if (f.about != about) o.out << f.about << "\n";
      about = f.about;
      o.out << fmt::format("  {:<8} {:<24} {}\n", word(f.how), f.check, f.text);
      if (!f.mend.empty()) o.out << fmt::format("  {:<8} {:<24} -> {}\n", "", "", f.mend);
    }
  }
  if (faults > 0) return base::fail(doctor_errc::faults_found, fmt::format("{} fault{} found", faults, faults == 1 ? "" : "s"));
  if (!o.json)
    o.out << "no faults found; a ping (dsfctl task start 'dsfdev_ping|1.0' --message startPing) also shows whether partners reach us\n";
  return {};
}

const base::error_domain& domain_of(doctor_errc) noexcept {
  static constexpr base::error_domain domain{
      "doctor", [](std::uint16_t) { return base::error_entry{"faults_found", base::error_kind::unavailable}; }};
  return domain;
}

}  // namespace dsf::site::ctl
