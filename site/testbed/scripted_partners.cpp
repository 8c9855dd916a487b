#include "site/testbed/scripted_partners.hpp"

namespace dsf::site {
namespace {

using base::json;

std::string operation_outcome(const std::string& text) {
  json issue = json::object{{"severity", "error"}, {"code", "processing"}, {"diagnostics", text}};
  json out = json::object{{"resourceType", "OperationOutcome"}, {"issue", json::array{std::move(issue)}}};
  return out.dump();
}

}  // namespace

void scripted_partners::script(const std::string& base_url, std::deque<scripted_answer> answers) {
  const std::lock_guard lock{mutex_};
  scripts_[base_url] = std::move(answers);
}

void scripted_partners::serve(const std::string& url, std::string body) {
  const std::lock_guard lock{mutex_};
  served_[url] = std::move(body);
}

std::vector<sent_message> scripted_partners::sent(std::size_t from) const {
  const std::lock_guard lock{mutex_};
  if (from >= sent_.size()) return {};
  return {sent_.begin() + static_cast<std::ptrdiff_t>(from), sent_.end()};
}

scripted_answer scripted_partners::next_answer(const std::string& url) {
  for (auto& [base, answers] : scripts_) {
    if (!url.starts_with(base + "/") || answers.empty()) continue;
    auto a = answers.front();
    if (answers.size() > 1) answers.pop_front();
    return a;
  }
  return {};
}

void scripted_partners::send(net::client_request request, std::int64_t, net::client_callback done) {
  net::client_response r;
  {
    const std::lock_guard lock{mutex_};
    if (request.method == "POST") {
      const auto a = next_answer(request.url);
      sent_.push_back({request.url, std::string(request.body.view()), a.status});
      r.status = a.status;
      if (!a.text.empty()) r.body = operation_outcome(a.text);
      if (r.body.empty() && request.headers.value("Prefer") == "return=representation") r.body = request.body.view();
    } else if (const auto at = served_.find(request.url); at != served_.end()) {
      r.status = 200;
      r.body = at->second;
    } else {
      r.status = 404;
      r.body = operation_outcome("the test serves nothing here");
    }
  }
  if (r.status == 0) return done(net::fail(net::errc::connection_refused, "connection refused"));
  r.headers = {{"Content-Type", "application/fhir+json"}};
  done(std::move(r));
}

}  // namespace dsf::site
