#include "site/callers/token_issuer.hpp"

#include "net/query.hpp"

namespace dsf::site {
namespace {

constexpr std::int64_t not_again_us = 10 * base::us_per_s;  // after an answer, for a key that was not in it
constexpr std::int64_t after_failure_us = 2 * base::us_per_s;
constexpr std::size_t waiting_at_most = 10'000;
constexpr std::uint64_t answer_bytes = 1 << 20;

// A provider's addresses have to be as safe as its own.
bool is_https(const std::string& url) {
  const auto parsed = net::parse_url(url);
  return parsed && parsed->tls();
}

base::result<base::json> body_of(const net::result<net::client_response>& answer, const std::string& what) {
  if (!answer)
    return base::failure(net::error(net::errc::issuer_failed, "the OpenID provider can't be asked for " + what).because(answer.error()));
  if (answer->status != 200)
    return net::fail(net::errc::issuer_failed,
                     "the OpenID provider answers HTTP " + std::to_string(answer->status) + ", asked for " + what);
  auto parsed = base::json::parse(answer->body);
  if (!parsed) return net::fail(net::errc::issuer_failed, "the OpenID provider's answer is no JSON, asked for " + what);
  return parsed;
}

}  // namespace

void token_issuer::ask(const std::string& key_id, std::function<void(knowledge)> done) {
  {
    std::unique_lock lock{mutex_};
    const auto now = clock_->steady_us();
    const bool fresh = known_ && now - known_since_us_ < options_.keep_us;
    const bool asked_just_now = now - asked_us_ < (failed_ ? after_failure_us : not_again_us);
    if (fresh && (key_id.empty() || known_->keys.has(key_id) || (asked_just_now && !asking_))) {
      auto known = known_;
      lock.unlock();
      return done(std::move(known));
    }
    if (!asking_ && failed_ && asked_just_now) {
      auto why = *failed_;
      lock.unlock();
      return done(base::failure(std::move(why)));
    }
    if (waiting_.size() >= waiting_at_most) {
      lock.unlock();
      return done(net::fail(net::errc::overloaded, "too many requests wait for the OpenID provider"));
    }
    waiting_.push_back(std::move(done));
    if (std::exchange(asking_, true)) return;
    asked_us_ = now;
  }
  fetch();
}

void token_issuer::get(const std::string& url, net::client_callback done) {
  net::client_request r;
  r.url = url;
  r.headers = {{"Accept", "application/json"}};
  r.answer_bytes_at_most = answer_bytes;
  transport_->send(std::move(r), options_.timeout_ms, std::move(done));
}

void token_issuer::fetch() {
  get(options_.realm_base_url + options_.discovery_path, [this](net::result<net::client_response> a) { read_document(std::move(a)); });
}

void token_issuer::read_document(net::result<net::client_response> answer) {
  const auto document = body_of(answer, "its configuration");
  if (!document) return finish(base::failure(document.error()));
  const auto& d = *document;
  const auto text = [&](std::string_view name) { return d[name].str(); };
  if (text("issuer") != options_.realm_base_url)
    return finish(net::fail(net::errc::issuer_failed, "the OpenID provider says it is '" + text("issuer") + "', but oidc.issuer is '" +
                                                          options_.realm_base_url + "'; they must be the same text"));
  for (const auto* name : {"jwks_uri", "token_endpoint", "authorization_endpoint"})
    if (!is_https(text(name)))
      return finish(net::fail(net::errc::issuer_failed,
                              std::string("the OpenID provider's ") + name + " is '" + text(name) + "', which is no https:// address"));
  auto next = std::make_shared<issuer_knowledge>();
  next->authorization_endpoint = text("authorization_endpoint");
  next->token_endpoint = text("token_endpoint");
  if (is_https(text("end_session_endpoint"))) next->end_session_endpoint = text("end_session_endpoint");
  get(text("jwks_uri"), [this, next](net::result<net::client_response> a) { read_keys(next, std::move(a)); });
}

void token_issuer::read_keys(std::shared_ptr<issuer_knowledge> next, net::result<net::client_response> answer) {
  if (const auto body = body_of(answer, "its keys"); !body) return finish(base::failure(body.error()));
  auto keys = net::signing_keys::parse(answer->body);
  if (!keys) return finish(base::failure(std::move(keys).error()));
  next->keys = *std::move(keys);
  finish(std::shared_ptr<const issuer_knowledge>(std::move(next)));
}

void token_issuer::finish(knowledge k) {
  std::vector<std::function<void(knowledge)>> waiting;
  {
    const std::lock_guard lock{mutex_};
    asking_ = false;
    waiting.swap(waiting_);
    if (k) {
      known_ = *k;
      known_since_us_ = clock_->steady_us();
      failed_.reset();
    } else {
      failed_ = k.error();
    }
  }
  for (auto& w : waiting) w(k);
}

}  // namespace dsf::site
