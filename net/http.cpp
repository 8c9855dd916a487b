#include "net/http.hpp"

#include <algorithm>
#include <utility>

namespace dsf::net {

namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

struct function_target final : responder::target {
  explicit function_target(std::function<void(response&&)> f) : receiver(std::move(f)) {}
  void answer(std::uint64_t, response&& r) override { receiver(std::move(r)); }
  void dropped(std::uint64_t) override { receiver(text_response(500, "the request's handler gave no answer")); }
  std::function<void(response&&)> receiver;
};

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

void header_list::set(std::string name, std::string value) {
  remove(name);
  add(std::move(name), std::move(value));
}

void header_list::remove(std::string_view name) {
  std::erase_if(fields_, [&](const field& f) { return equals_ignoring_case(f.name, name); });
}

const std::string* header_list::find(std::string_view name) const noexcept {
  for (const auto& f : fields_)
    if (equals_ignoring_case(f.name, name)) return &f.value;
  return nullptr;
}

std::string_view header_list::value(std::string_view name) const noexcept {
  const auto* found = find(name);
  return found ? std::string_view(*found) : std::string_view();
}

std::vector<std::string_view> header_list::all(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const auto& f : fields_)
    if (equals_ignoring_case(f.name, name)) out.emplace_back(f.value);
  return out;
}

std::string_view request::path() const noexcept {
  const std::string_view t = target;
  return t.substr(0, t.find('?'));
}

std::string_view request::query() const noexcept {
  const std::string_view t = target;
  const auto mark = t.find('?');
  return mark == std::string_view::npos ? std::string_view() : t.substr(mark + 1);
}

responder responder::to(std::function<void(response&&)> receiver) {
  auto made = std::make_shared<function_target>(std::move(receiver));
  responder out(made, 0);
  out.keep_ = std::move(made);
  return out;
}

responder::responder(responder&& other) noexcept
    : target_(std::move(other.target_)),
      keep_(std::move(other.keep_)),
      exchange_(other.exchange_),
      armed_(std::exchange(other.armed_, false)) {}

responder& responder::operator=(responder&& other) noexcept {
  if (this != &other) {
    drop();
    target_ = std::move(other.target_);
    keep_ = std::move(other.keep_);
    exchange_ = other.exchange_;
    armed_ = std::exchange(other.armed_, false);
  }
  return *this;
}

void responder::operator()(response r) {
  if (!std::exchange(armed_, false)) return;
  // A connection that is gone needs no answer.
  if (auto to = target_.lock()) to->answer(exchange_, std::move(r));
}

void responder::drop() noexcept {
  if (!std::exchange(armed_, false)) return;
  if (auto to = target_.lock()) to->dropped(exchange_);
}

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Payload Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Entity";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

response text_response(int status, std::string text) {
  response r{.status = status};
  r.headers.add("Content-Type", "text/plain;charset=utf-8");
  text += '\n';
  r.body = std::move(text);
  return r;
}

}  // namespace dsf::net
