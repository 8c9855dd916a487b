// The story of the demo: start, import, ping, feasibility with a kill, result.
#include "site/ctl/demo.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ostream>

#include "base/bytes.hpp"
#include "base/entropy.hpp"
#include "base/uuid.hpp"
#include "privacy/demo_data.hpp"
#include "site/ctl/demo/consortium.hpp"
#include "site/ctl/demo/live_view.hpp"
#include "site/ctl/text_table.hpp"

namespace dsf::site {

const base::error_domain& domain_of(demo_errc) noexcept {
  static constexpr base::error_domain domain{"demo", [](std::uint16_t) { return base::error_entry{"failed", base::error_kind::internal}; }};
  return domain;
}

namespace ctl {
namespace {

using base::fail;
using base::json;
using base::result;

const std::string ping_process = "dsfdev_ping|1.0";
const std::string request_process = "medizininformatik-initiativede_feasibilityRequest|1.0";
const std::string feasibility_codes = "http://medizininformatik-initiative.de/fhir/CodeSystem/feasibility";
const std::string evaluation_class = "EvaluateCCDLMeasure";  // the end of the class name; its package differs between releases
constexpr std::int64_t start_timeout_ms = 60'000;
constexpr std::int64_t work_timeout_ms = 120'000;
constexpr std::int64_t poll_us = 100'000;

// Set by Ctrl-C.
volatile sig_atomic_t interrupted = 0;
void interrupt(int) { interrupted = 1; }

bool has_coding(const json& concept_value, std::string_view code) {
  for (const auto& c : concept_value["coding"])
    if (c["code"].str() == code) return true;
  return false;
}

// The names of --break, told from what a site says about a partner it can't reach.
std::string cause_in(std::string_view error) {
  const auto has = [&](std::string_view word) { return error.find(word) != std::string_view::npos; };
  if (has("expired")) return "expired";
  if (has("unknown ca") || has("unknown CA") || has("unknown authority")) return "wrong-ca";
  if (has("connection refused")) return "site-down";
  if (has("403")) return "not-listed";
  return "";
}

// A number as the admin API shows it, with or without quotes.
std::optional<std::uint64_t> whole_number(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  std::uint64_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

struct dic_result {
  std::optional<std::uint64_t> reported;      // what the HRP was told
  std::optional<std::uint64_t> before_noise;  // in the DIC's own instance
  std::uint64_t truth = 0;                    // the generator's ledger
};

class story {
public:
  story(ctl_output& o, const demo_options& options) : o_(o), options_(options), view_(o) {}

  result<> run() {
    consortium_ = TRY(consortium::prepare(options_));
    view_.say(fmt::format("four sites in {}, patients a hospital {}, seed {}", options_.folder, options_.patients, options_.seed));
    if (!consortium_->no_worker_because().empty())
      view_.say("hospital-a", "its handlers of ping run in dsfd, not in Python: " + consortium_->no_worker_because());
    TRY(start_sites());
    TRY(import_patients());
    TRY(ping());
    TRY(feasibility());
    print_results();
    if (exact_ != 3) return fail(demo_errc::failed, fmt::format("feasibility_exact={}/3", exact_));
    if (kills_ != 1) return fail(demo_errc::failed, "no site was killed while it evaluated");
    summary_ = fmt::format("demo: ok sites=4 pings={}/12 instances={} feasibility_exact={}/3 seconds={:.1f} kills={}", pings_, instances(),
                           exact_, view_.seconds(), kills_);
    if (!options_.once) explore();
    return {};
  }

  void stop() {
    view_.stop();
    if (consortium_) consortium_->stop_all();
  }
  const std::string& summary() const { return summary_; }

private:
  result<> start_sites() {
    for (auto& s : consortium_->sites) {
      if (is_down(*s)) continue;
      TRY(consortium_->start(*s));
    }
    for (auto& s : consortium_->sites) {
      if (is_down(*s)) continue;
      if (auto ready = consortium_->wait_until_ready(*s, start_timeout_ms); !ready) {
        const auto cause = cause_in(ready.error().text());
        return fail(demo_errc::failed, (cause.empty() ? "" : cause + ": ") + ready.error().text());
      }
      TRY(view_.follow(s->name, s->socket(), start_timeout_ms));
      view_.say(s->name, fmt::format("ready at {}{}", s->base_url(), s->split ? ", endpoint and engine as two programs" : ""));
      if (!s->has_worker) continue;
      if (auto there = consortium_->wait_for_worker(*s, start_timeout_ms); !there) return fail(demo_errc::failed, there.error().text());
      view_.say(s->name, fmt::format("its handlers of ping run in Python, process {}", s->worker.pid()));
    }
    return {};
  }

  bool is_down(const demo_site& s) const { return s.faulty && options_.broken == "site-down"; }

  result<> import_patients() {
    for (auto& s : consortium_->sites) {
      if (!s->holds_data() || is_down(*s)) continue;
      const auto file = TRY(consortium_->make_patients(*s));
      import_progress last;
      TRY(s->admin->import(file.string(), [&](const import_progress& p) {
        last = p;
        return interrupted == 0;
      }));
      view_.say(s->name, fmt::format("{} resources of {} patients imported", last.resources, last.patients));
    }
    return {};
  }

  // Each site pings each other one; counted at the start Task, as the site's own organisation reads it over mutual TLS.
  result<> ping() {
    std::vector<std::pair<demo_site*, std::string>> tasks;
    for (auto& s : consortium_->sites) {
      if (is_down(*s)) continue;
      auto started = TRY(s->admin->start_task({.process = ping_process, .message = "startPing"}));
      view_.say(s->name, "pings the others: " + started.task);
      tasks.emplace_back(s.get(), started.task);
    }
    for (const auto& [site, task] : tasks) {
      const auto ended = wait_for_task(*site, task);
      if (!ended) {
        // A site that a fault keeps from being asked has pinged nobody; the partners' errors tell why.
        if (site->faulty) continue;
        return base::failure(ended.error());
      }
      for (const auto& out : (*ended)["output"])
        if (has_coding(out["type"], "ping-status") && out["valueCoding"]["code"].str() == "pong-received") ++pings_;
    }
    view_.say(fmt::format("pongs received: {} of 12", pings_));
    if (pings_ == 12) return {};
    return fail(demo_errc::failed, explain_missing_pings());
  }

  std::string explain_missing_pings() {
    std::string cause, detail;
    for (auto& s : consortium_->sites) {
      if (is_down(*s)) continue;
      const auto partners = s->admin->partners();
      if (!partners) continue;
      for (const auto& p : *partners) {
        if (p.last_error.empty() || !(p.last_failure > p.last_success)) continue;
        const auto found = cause_in(p.last_error);
        if (detail.empty() || (cause.empty() && !found.empty()))
          detail = fmt::format("{} to {}: {}", s->name, p.organization.empty() ? p.endpoint_url : p.organization, p.last_error);
        if (cause.empty()) cause = found;
      }
    }
    return fmt::format("{}pings={}/12{}", cause.empty() ? "" : cause + ": ", pings_, detail.empty() ? "" : "; " + detail);
  }

  result<json> wait_for_task(demo_site& site, const std::string& task) {
    for (std::int64_t waited = 0; waited < work_timeout_ms * 1000; waited += poll_us) {
      if (interrupted) return fail(demo_errc::failed, "interrupted");
      auto now = TRY(consortium_->read(site, task));
      const auto& status = now["status"].str();
      if (status == "completed" || status == "failed") return now;
      ::usleep(poll_us);
    }
    return fail(demo_errc::failed, fmt::format("{} of {} has not ended after {} s", task, site.name, work_timeout_ms / 1000));
  }

  // The portal's part: Measure and Library with both forms of the query (dsf-bpe 9.1).
  result<std::string> store_query(demo_site& hrp) {
    const auto library_url = "urn:uuid:" + base::uuid::random(base::system_entropy()).to_string();
    const auto measure_url = "urn:uuid:" + base::uuid::random(base::system_entropy()).to_string();
    const json meta =
        json::object{{"tag", json::array{json::object{{"system", "http://dsf.dev/fhir/CodeSystem/read-access-tag"}, {"code", "ALL"}}}}};
    const auto attachment = [](const char* type, std::string_view content) {
      return json::object{{"contentType", type}, {"data", base::to_base64(content)}};
    };
    const auto concept_of = [](const char* system, const char* code) {
      return json::object{{"coding", json::array{json::object{{"system", system}, {"code", code}}}}};
    };
    json library = json::object{
        {"resourceType", "Library"},
        {"meta", meta},
        {"url", library_url},
        {"status", "active"},
        {"type", concept_of("http://terminology.hl7.org/CodeSystem/library-type", "logic-library")},
        {"content", json::array{attachment("text/cql", privacy::demo_cql()), attachment("application/json", privacy::demo_ccdl())}}};
    json population = json::object{{"code", concept_of("http://terminology.hl7.org/CodeSystem/measure-population", "initial-population")},
                                   {"criteria", json::object{{"language", "text/cql"}, {"expression", "InInitialPopulation"}}}};
    json measure = json::object{{"resourceType", "Measure"},
                                {"meta", meta},
                                {"url", measure_url},
                                {"status", "active"},
                                {"subjectCodeableConcept", concept_of("http://hl7.org/fhir/resource-types", "Patient")},
                                {"library", json::array{library_url}},
                                {"scoring", concept_of("http://terminology.hl7.org/CodeSystem/measure-scoring", "cohort")},
                                {"group", json::array{json::object{{"population", json::array{std::move(population)}}}}}};
    const auto entry = [](const std::string& url, json resource) {
      const auto type = resource["resourceType"].str();
      return json::object{
          {"fullUrl", url}, {"resource", std::move(resource)}, {"request", json::object{{"method", "POST"}, {"url", type}}}};
    };
    const json bundle =
        json::object{{"resourceType", "Bundle"},
                     {"type", "transaction"},
                     {"entry", json::array{entry(measure_url, std::move(measure)), entry(library_url, std::move(library))}}};
    const auto answer = TRY(consortium_->post(hrp, "", bundle));
    for (const auto& e : answer["entry"]) {
      const auto& location = e["response"]["location"].str();
      const auto at = location.find("Measure/");
      if (at == std::string::npos) continue;
      const auto id = location.substr(at + 8, location.find('/', at + 8) - at - 8);
      return "Measure/" + id;
    }
    return fail(demo_errc::failed, "the answer to the query's transaction names no Measure");
  }

  result<> feasibility() {
    auto& hrp = *consortium_->sites.front();
    auto& victim = *consortium_->sites[2];
    const auto measure = TRY(store_query(hrp));
    const auto full_class = "de.medizininformatik_initiative.process.feasibility.service." + evaluation_class;
    TRY(victim.admin->hold_handler(full_class, true));
    const auto started = TRY(
        hrp.admin->start_task({.process = request_process, .inputs = {{feasibility_codes, "measure-reference", "reference", measure}}}));
    view_.say(hrp.name, fmt::format("asks the three hospitals: {}, business key {}", started.task, started.business_key));

    const auto evaluates = [&](const site_event_line& e) { return e.kind == "handler-started" && e.text.ends_with(evaluation_class); };
    const auto evaluated = [&] {
      for (std::int64_t waited = 0; waited < work_timeout_ms; waited += 500) {
        if (view_.wait_for(victim.name, evaluates, 500)) return true;
        // Everybody refused: the request is over before anybody evaluates.
        const auto task = consortium_->read(hrp, started.task);
        if (interrupted || (task && (*task)["status"].str() != "requested" && (*task)["status"].str() != "in-progress")) return false;
      }
      return false;
    };
    if (!evaluated()) return fail(demo_errc::failed, why_no_evaluation(hrp, started));
    view_.say(victim.name, fmt::format("evaluates; kill -9 {}", victim.process.pid()));
    victim.process.kill_hard();
    ++kills_;
    view_.forget(victim.name);
    TRY(consortium_->start(victim));
    TRY(consortium_->wait_until_ready(victim, start_timeout_ms));
    TRY(view_.follow(victim.name, victim.socket(), start_timeout_ms));
    view_.say(victim.name, "is back and goes on from its last commit");

    const auto ended = TRY(wait_for_task(hrp, started.task));
    if (ended["status"].str() != "completed")
      return fail(demo_errc::failed, fmt::format("the request ended with status {}", ended["status"].str()));
    return collect(hrp, started.business_key);
  }

  std::string why_no_evaluation(demo_site& hrp, const started_task& started) {
    std::string cause;
    if (const auto partners = hrp.admin->partners())
      for (const auto& p : *partners)
        if (cause_in(p.last_error) == "not-listed")
          cause = "wrong-role: " + p.organization + " refuses the request: " + p.last_error;  // pings went through
    if (!cause.empty()) return cause;
    const auto why = hrp.admin->why(started.business_key);
    return "no hospital evaluates: " + (why && !why->empty() ? why->front().sentence
                                        : why                ? std::string("no instance")
                                                             : why.error().text());
  }

  result<> collect(demo_site& hrp, const std::string& business_key) {
    // What the HRP was told: the MeasureReport that each hospital's answer refers to.
    const auto tasks = TRY(consortium_->read(hrp, "Task?status=completed&_count=500&_sort=-_lastUpdated"));
    for (const auto& e : tasks["entry"]) {
      const auto& task = e["resource"];
      bool ours = false;
      for (const auto& in : task["input"])
        ours = ours || (has_coding(in["type"], "business-key") && in["valueString"].str() == business_key);
      auto* from = consortium_->named(task["requester"]["identifier"]["value"].str());
      if (!ours || !from || !from->holds_data()) continue;
      for (const auto& out : task["output"]) {
        if (!has_coding(out["type"], "measure-report-reference")) continue;
        const auto& reference = out["valueReference"]["reference"].str();
        const auto at = reference.find("MeasureReport/");
        if (at == std::string::npos) continue;
        const auto report = TRY(consortium_->read(hrp, reference.substr(at)));
        results_[from->name].reported = static_cast<std::uint64_t>(report["group"][0]["population"][0]["count"].int_or(0));
      }
    }
    // What each hospital counted, in its own instance, and the truth.
    for (auto& s : consortium_->sites) {
      if (!s->holds_data()) continue;
      auto& r = results_[s->name];
      for (const auto& q : privacy::demo_queries())
        if (q.ccdl == privacy::demo_ccdl()) r.truth = s->ledger.counts.at(std::string(q.name));
      const auto detail = TRY(s->admin->show_instance(business_key));
      for (const auto& v : detail.variables)
        if (v.name == "measure-result-ccdl") r.before_noise = whole_number(v.text);
      if (r.before_noise && *r.before_noise == r.truth && r.reported && *r.reported % 10 == 0) ++exact_;
    }
    return {};
  }

  void print_results() {
    text_table t({"HOSPITAL", "ANSWERED", "BEFORE NOISE", "TRUTH"});
    for (std::size_t i = 1; i < 4; ++i) t.align_right(i);
    const auto shown = [](const std::optional<std::uint64_t>& n) { return n ? std::to_string(*n) : std::string("-"); };
    for (const auto& [name, r] : results_) t.add({name, shown(r.reported), shown(r.before_noise), std::to_string(r.truth)});
    if (o_.json) {
      json::array lines;
      const auto number = [](const std::optional<std::uint64_t>& n) { return n ? json(*n) : json(); };
      for (const auto& [name, r] : results_)
        lines.push_back(
            json::object{{"site", name}, {"answered", number(r.reported)}, {"before_noise", number(r.before_noise)}, {"truth", r.truth}});
      o_.out << json(json::object{{"results", std::move(lines)}}).dump() << "\n";
    } else {
      o_.out << "\n" << t.str(o_.width) << "\n";
    }
  }

  std::uint64_t instances() {
    std::uint64_t n = 0;
    for (auto& s : consortium_->sites) {
      instance_filter filter;
      filter.limit = 1'000;
      do {
        const auto page = s->admin->list_instances(filter);
        if (!page) break;
        n += page->instances.size();
        filter.after = page->next;
      } while (!filter.after.empty());
    }
    return n;
  }

  void explore() {
    view_.say("stays up until Ctrl-C; for example:");
    for (const auto& s : consortium_->sites) o_.out << fmt::format("  dsfctl --socket {} instances\n", s->socket());
    const auto& first = *consortium_->sites.front();
    const auto certificate = first.certificates.string();
    o_.out << fmt::format(
        "  its pages: {}/ with {}'s client certificate, which a browser imports (without a password) from the file that this makes:\n"
        "    openssl pkcs12 -export -passout pass: -in {}/client.pem -inkey {}/client.key -out {}.p12\n",
        first.base_url(), first.name, certificate, certificate, first.name);
    o_.out << std::flush;
    while (!interrupted) ::usleep(poll_us);
  }

  ctl_output& o_;
  const demo_options& options_;
  live_view view_;
  std::unique_ptr<consortium> consortium_;
  std::uint64_t pings_ = 0;
  int exact_ = 0;
  int kills_ = 0;
  std::map<std::string, dic_result> results_;
  std::string summary_;
};

}  // namespace

result<> demo(ctl_output& o, const demo_options& options) {
  ::signal(SIGINT, interrupt);
  ::signal(SIGTERM, interrupt);
  story s(o, options);
  auto told = s.run();
  s.stop();
  if (told) {
    o.out << s.summary() << std::endl;
    return {};
  }
  std::string why = told.error().is(demo_errc::failed) ? told.error().text() : told.error().to_string();
  std::replace(why.begin(), why.end(), '\n', ' ');
  o.out << "demo: failed " << why << std::endl;
  return fail(demo_errc::failed, why);
}

}  // namespace ctl
}  // namespace dsf::site
