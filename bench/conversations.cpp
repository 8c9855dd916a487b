#include "bench/conversations.hpp"

#include <fmt/format.h>
#include <strings.h>

#include <iterator>
#include <utility>

#include "bench/task_text.hpp"

namespace dsf::bench {
namespace {

void get_task(std::string& out, std::uint16_t port, std::string_view id) {
  fmt::format_to(std::back_inserter(out), "GET /fhir/Task/{} HTTP/1.1\r\nHost: localhost:{}\r\nAccept: application/fhir+json\r\n\r\n", id,
                 port);
}

void post_task(std::string& out, std::uint16_t port, const std::string& body) {
  fmt::format_to(std::back_inserter(out),
                 "POST /fhir/Task HTTP/1.1\r\nHost: localhost:{}\r\nAccept: application/fhir+json\r\nContent-Type: "
                 "application/fhir+json\r\nContent-Length: {}\r\n\r\n{}",
                 port, body.size(), body);
}

// The id in "Location: https://.../Task/<id>/_history/1".
std::string created(std::string_view head) {
  constexpr std::string_view name = "\r\nlocation:";
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    if (head.size() - at < name.size() || ::strncasecmp(head.data() + at, name.data(), name.size()) != 0) continue;
    const auto line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    const auto id = line.find("/Task/");
    return id == std::string_view::npos ? std::string{} : std::string(line.substr(id + 6, 36));
  }
  return {};
}

}  // namespace

task_reader::task_reader(std::uint16_t port, const std::vector<std::string>& ids, std::size_t first, std::string* keep)
    : port_(port), ids_(&ids), at_(first % ids.size()), keep_(keep) {}

conversation::next task_reader::request(std::string& out, std::int64_t) {
  get_task(out, port_, (*ids_)[at_]);
  at_ = (at_ + 1) % ids_->size();
  return {};
}

bool task_reader::answer(int status, std::string_view head, std::string_view body, std::int64_t) {
  if (keep_ != nullptr) *keep_ = std::string(head) + "\r\n\r\n" + std::string(body);
  return status == 200;
}

asker::asker(std::string method, std::uint16_t port, std::vector<std::string> what, std::size_t first, std::string* keep, std::string body,
             std::uint64_t at_most)
    : method_(std::move(method)),
      port_(port),
      what_(std::move(what)),
      at_(first % what_.size()),
      keep_(keep),
      body_(std::move(body)),
      headers_(body_.empty() ? "Accept: application/fhir+json\r\n"
                             : "Accept: application/fhir+json\r\nContent-Type: application/fhir+json\r\n"),
      left_(at_most) {}

conversation::next asker::request(std::string& out, std::int64_t) {
  if (left_ == 0) return {next::kind::finished, 0};
  --left_;
  fmt::format_to(std::back_inserter(out), "{} {} HTTP/1.1\r\nHost: localhost:{}\r\n{}", method_, what_[at_], port_, headers_);
  if (!body_.empty()) fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", body_.size());
  out += "\r\n";
  out += body_;
  at_ = (at_ + 1) % what_.size();
  return {};
}

bool asker::answer(int status, std::string_view head, std::string_view body, std::int64_t) {
  if (keep_ != nullptr) *keep_ = std::string(head) + "\r\n\r\n" + std::string(body);
  return status == 200 || (status == 201 && method_ == "POST");
}

conversation::next task_sender::request(std::string& out, std::int64_t) {
  const auto n = shared_->next.fetch_add(1);
  if (n >= shared_->at_most) return {next::kind::finished, 0};
  post_task(out, port_, task_text(task_kind::start_one_wait, business_key(n), shared_->organization));
  return {};
}

bool task_sender::answer(int status, std::string_view head, std::string_view body, std::int64_t) {
  if (status != 201) return false;
  if (!shared_->keep) return true;
  const std::lock_guard lock{shared_->mutex};
  shared_->ids.push_back(created(head));
  shared_->last_answer = std::string(head) + "\r\n\r\n" + std::string(body);
  return !shared_->ids.back().empty();
}

pinger::pinger(std::uint16_t port, std::string organization, std::int64_t pause_us, std::shared_ptr<ping_counter> counter)
    : port_(port), organization_(std::move(organization)), pause_us_(pause_us), counter_(std::move(counter)) {}

conversation::next pinger::request(std::string& out, std::int64_t now_us) {
  if (task_.empty()) {
    began_ = now_us;
    rest_ = true;
    post_task(out, port_, task_text(task_kind::start_ping, {}, organization_));
    return {};
  }
  if (std::exchange(rest_, false)) return {next::kind::pause, pause_us_};
  rest_ = true;
  get_task(out, port_, task_);
  return {};
}

bool pinger::answer(int status, std::string_view head, std::string_view body, std::int64_t now_us) {
  if (task_.empty()) {
    task_ = created(head);
    return status == 201 && !task_.empty();
  }
  if (status != 200 || body.find(R"("status":"failed")") != std::string_view::npos) return false;
  if (body.find(R"("status":"completed")") == std::string_view::npos) return true;
  counter_->samples_us.push_back(now_us - began_);
  task_.clear();
  return true;
}

}  // namespace dsf::bench
