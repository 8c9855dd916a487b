#include "net/message_parser.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>
#include <utility>

#include "base/mutant.hpp"

namespace dsf::net {

namespace http = boost::beast::http;
using boost::beast::string_view;
using error_code = boost::beast::error_code;

namespace {

// A declared length is believed only this far when memory is set aside.
constexpr std::uint64_t reserve_at_most = 256 * 1024;

// Beast 1.81 asserts that the last chunk comes with at least so many bytes ("0\r\n\r\n"). An unfinished chunked body always has
// that many to come, so fewer are held back.
constexpr std::size_t chunk_bytes_at_least = 5;

std::string text(string_view s) { return {s.data(), s.size()}; }

// What request and response have in common: fields go to `headers` until the head ends (trailers are dropped), bytes to `body`.
template <bool is_request>
class collector : public http::basic_parser<is_request> {
public:
  collector(header_list& headers, std::string& body, const parse_limits& limits) : headers_(headers), body_(body) {
    this->eager(true);
    // Larger than Beast can ever see: our own check counts start line and fields together.
    this->header_limit(static_cast<std::uint32_t>(limits.head_bytes + (DSF_MUTANT("net.head_limit_ignored") ? 1U << 30 : 1024)));
    this->body_limit(DSF_MUTANT("net.body_limit_ignored") ? std::uint64_t{1} << 40 : std::uint64_t{limits.body_bytes});
  }
  // Beast's own check of Content-Length comes with the head, before it is known which limit counts.
  void limit_later() { this->body_limit(std::uint64_t{1} << 62); }

protected:
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_request_impl(http::verb, string_view, string_view, int, error_code&) override {}
  void on_field_impl(http::field, string_view name, string_view value, error_code&) override {
    if (!this->is_header_done() && !head_done_) headers_.add(text(name), text(value));
  }
  void on_header_impl(error_code&) override { head_done_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    if (length) body_.reserve(std::min(*length, reserve_at_most));
  }
  std::size_t on_body_impl(string_view bytes, error_code&) override {
    body_.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code&) override {
    body_.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_finish_impl(error_code&) override {}

private:
  header_list& headers_;
  std::string& body_;
  bool head_done_ = false;
};

class request_collector final : public collector<true> {
public:
  request_collector(request& into, const parse_limits& limits) : collector(into.headers, into.body, limits), request_(into) {}
  int version_number = 0;  // 10 or 11

private:
  void on_request_impl(http::verb, string_view method, string_view target, int version, error_code&) override {
    version_number = version;
    request_.method = text(method);
    request_.target = text(target);
  }
  request& request_;
};

class response_collector final : public collector<false> {
public:
  response_collector(int& status, header_list& headers, std::string& body, const parse_limits& limits)
      : collector(headers, body, limits), status_(status) {}

private:
  void on_response_impl(int code, string_view, int, error_code&) override { status_ = code; }
  int& status_;
};

// RFC 9112 3.2.2: a server must accept the absolute form; its authority is of no interest here.
void to_origin_form(std::string& target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() <= scheme.size() || !equals_ignoring_case(std::string_view(target).substr(0, scheme.size()), scheme)) continue;
    const auto slash = target.find_first_of("/?", scheme.size());
    target = slash == std::string::npos ? "/" : target.substr(slash);
    if (target.front() == '?') target.insert(0, "/");
    return;
  }
}

}  // namespace

struct request_parser::impl {
  explicit impl(parse_limits l) : limits(l) { parser.emplace(message, limits); }

  void start() {
    parser.emplace(message, limits);
    if (pauses) parser->limit_later();
    body_limit = limits.body_bytes;
    taken_away = 0;
    paused = false;
  }

  void failed(int status, std::string why) {
    state = parse_state::failed;
    failure_status = status;
    failure_text = std::move(why);
  }

  void failed_on(const error_code& ec) {
    if (ec == http::error::body_limit)
      return failed(413, "the request's body is larger than the limit of " + std::to_string(limits.body_bytes) +
                             " bytes; send less, or raise the limit");
    if (ec == http::error::header_limit || ec == http::error::buffer_overflow) return failed_on_head();
    if (ec == http::error::bad_version) return failed(505, "the request is not HTTP/1.1");
    failed(400, "the request is malformed: " + ec.message());
  }

  // Content-Length when the head is there, what has come of a chunked body later.
  void judge_length(std::uint64_t bytes) {
    if (bytes > body_limit && !DSF_MUTANT("net.body_limit_ignored"))
      failed(413, "the request's body is larger than the limit of " + std::to_string(body_limit) + " bytes; send less, or raise the limit");
  }

  void failed_on_head() {
    failed(431,
           "the request's head is larger than the limit of " + std::to_string(limits.head_bytes) + " bytes; shorten its target or fields");
  }

  void head_complete() {
    to_origin_form(message.target);
    const auto hosts = message.headers.all("Host").size();
    // RFC 9112 3.2: exactly one Host in HTTP/1.1.
    if (hosts > 1 || (hosts == 0 && parser->version_number == 11)) return failed(400, "the request must have exactly one Host field");
    if (message.target.front() != '/' && !(message.target == "*" && message.method == "OPTIONS"))
      return failed(400, "the request's target must be a path that begins with '/'");
    const auto coding = message.headers.value("Transfer-Encoding");
    if (!coding.empty() && !equals_ignoring_case(coding, "chunked"))
      return failed(501, "the transfer coding is not supported; use chunked or Content-Length alone");
    if (const auto* expect = message.headers.find("Expect")) {
      if (!equals_ignoring_case(*expect, "100-continue")) return failed(417, "the only expectation supported is 100-continue");
      expects_continue = true;
    }
    state = parse_state::body;
  }

  parse_limits limits;
  request message;
  std::optional<request_collector> parser;
  parse_state state = parse_state::head;
  std::size_t head_bytes = 0;
  bool expects_continue = false;
  bool pauses = false, paused = false;
  std::uint64_t body_limit = 0, taken_away = 0;  // only if it pauses
  int failure_status = 0;
  std::string failure_text;
};

request_parser::request_parser(parse_limits limits) : impl_(std::make_unique<impl>(limits)) {}
request_parser::~request_parser() = default;

std::size_t request_parser::put(std::string_view bytes) {
  auto& s = *impl_;
  std::size_t taken = 0;
  // RFC 9112 2.2: empty lines before the request line are skipped.
  if (s.state == parse_state::head && !s.parser->got_some()) {
    while (bytes.size() >= taken + 2 && bytes.substr(taken, 2) == "\r\n") taken += 2;
    // Half of such a line may be all that has arrived yet.
    if (taken == bytes.size() || bytes.substr(taken) == "\r") return taken;
  }
  error_code ec;
  // One pass ends with the head, so that it is judged before any of the body is taken.
  while (s.state == parse_state::head || s.state == parse_state::body) {
    if (s.state == parse_state::body && s.parser->chunked() && bytes.size() - taken < chunk_bytes_at_least) break;
    s.parser->eager(s.state == parse_state::body);
    const auto n = s.parser->put({bytes.data() + taken, bytes.size() - taken}, ec);
    taken += n;
    if (s.state == parse_state::head) s.head_bytes += n;
    const bool more = ec == http::error::need_more;
    if (ec && !more) {
      s.failed_on(ec);
      break;
    }
    if (s.state == parse_state::head) {
      if (s.head_bytes + (s.parser->is_header_done() ? 0 : bytes.size() - taken) > s.limits.head_bytes &&
          !DSF_MUTANT("net.head_limit_ignored")) {
        s.failed_on_head();
        break;
      }
      if (s.parser->is_header_done()) s.head_complete();
    }
    if (s.state == parse_state::body && s.parser->is_done()) s.state = parse_state::done;
    if (s.pauses && s.state == parse_state::body && !std::exchange(s.paused, true)) break;
    if (s.pauses && (s.state == parse_state::body || s.state == parse_state::done)) s.judge_length(s.taken_away + s.message.body.size());
    if (more || taken == bytes.size()) break;
  }
  return taken;
}

void request_parser::pause_after_head() noexcept {
  impl_->pauses = true;
  impl_->start();
}

bool request_parser::limit_body(std::uint64_t bytes) {
  auto& s = *impl_;
  s.body_limit = bytes;
  if (const auto length = s.parser->content_length()) s.judge_length(*length);
  return s.state != parse_state::failed;
}

std::string request_parser::take_piece() {
  auto& s = *impl_;
  s.taken_away += s.message.body.size();
  return std::exchange(s.message.body, {});
}

request& request_parser::message() noexcept { return impl_->message; }

parse_state request_parser::state() const noexcept { return impl_->state; }
int request_parser::failure_status() const noexcept { return impl_->failure_status; }
const std::string& request_parser::failure_text() const noexcept { return impl_->failure_text; }
bool request_parser::expects_continue() const noexcept { return impl_->expects_continue; }
bool request_parser::keep_alive() const noexcept { return impl_->state == parse_state::done && impl_->parser->keep_alive(); }
const request& request_parser::message() const noexcept { return impl_->message; }
request request_parser::take() { return std::move(impl_->message); }

void request_parser::reset() {
  auto& s = *impl_;
  s.message = {};
  s.start();
  s.state = parse_state::head;
  s.head_bytes = 0;
  s.expects_continue = false;
  s.failure_status = 0;
  s.failure_text.clear();
}

struct response_parser::impl {
  impl(parse_limits l, bool head) : limits(l), to_head(head) { start(); }

  void start() {
    headers.clear();
    parser.emplace(status, headers, body, limits);
    parser->skip(to_head);
  }

  parse_limits limits;
  bool to_head;
  int status = 0;
  header_list headers;
  std::string body;
  std::optional<response_collector> parser;
  parse_state state = parse_state::head;
  bool too_large = false;
  int interim = 0;
  std::string failure_text;
};

response_parser::response_parser(parse_limits limits, bool to_head) : impl_(std::make_unique<impl>(limits, to_head)) {}
response_parser::~response_parser() = default;

std::size_t response_parser::put(std::string_view bytes) {
  // Interim answers (1xx) a server may send before the final one; none but 100 is expected from sane servers.
  constexpr int interim_at_most = 10;
  auto& s = *impl_;
  std::size_t taken = 0;
  error_code ec;
  while (s.state != parse_state::done && s.state != parse_state::failed) {
    if (s.state == parse_state::body && s.parser->chunked() && bytes.size() - taken < chunk_bytes_at_least) break;
    taken += s.parser->put({bytes.data() + taken, bytes.size() - taken}, ec);
    const bool more = ec == http::error::need_more;
    if (ec && !more) {
      s.state = parse_state::failed;
      s.too_large = ec == http::error::body_limit || ec == http::error::header_limit;
      s.failure_text =
          s.too_large ? "the answer is larger than the limit of " + std::to_string(s.limits.body_bytes) + " bytes" : ec.message();
      break;
    }
    if (s.parser->is_header_done()) s.state = parse_state::body;
    if (s.parser->is_done()) {
      if (s.status >= 100 && s.status < 200 && s.status != 101) {
        if (++s.interim > interim_at_most) {
          s.state = parse_state::failed;
          s.failure_text = "more than " + std::to_string(interim_at_most) + " interim answers";
          break;
        }
        s.start();
        s.state = parse_state::head;
      } else {
        s.state = parse_state::done;
      }
    }
    if (more || taken == bytes.size()) break;
  }
  return taken;
}

bool response_parser::finish() {
  auto& s = *impl_;
  if (s.state == parse_state::done) return true;
  if (s.state != parse_state::body) return false;
  error_code ec;
  s.parser->put_eof(ec);
  if (ec || !s.parser->is_done()) return false;
  s.state = parse_state::done;
  return true;
}

parse_state response_parser::state() const noexcept { return impl_->state; }
bool response_parser::too_large() const noexcept { return impl_->too_large; }
const std::string& response_parser::failure_text() const noexcept { return impl_->failure_text; }
bool response_parser::keep_alive() const noexcept {
  return impl_->state == parse_state::done && impl_->parser->keep_alive() && !impl_->parser->need_eof();
}
int response_parser::status() const noexcept { return impl_->status; }
header_list response_parser::take_headers() { return std::move(impl_->headers); }
std::string response_parser::take_body() { return std::move(impl_->body); }
std::string response_parser::take_piece() { return std::exchange(impl_->body, {}); }
std::size_t response_parser::body_bytes() const noexcept { return impl_->body.size(); }

}  // namespace dsf::net
