#include "net/smtp.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>

namespace dsf::net {
namespace {

struct reading {
  const std::string& text;
  std::size_t at = 0;
};

std::size_t read_more(char* to, std::size_t size, std::size_t count, void* from) {
  auto& r = *static_cast<reading*>(from);
  const auto n = std::min(size * count, r.text.size() - r.at);
  std::memcpy(to, r.text.data() + r.at, n);
  r.at += n;
  return n;
}

// What the server says is kept out of standard output.
std::size_t drop(char*, std::size_t size, std::size_t count, void*) { return size * count; }

errc code_of(CURLcode c, bool all_sent) {
  switch (c) {
    case CURLE_COULDNT_RESOLVE_HOST: return errc::name_not_resolved;
    case CURLE_COULDNT_CONNECT: return errc::connection_refused;
    case CURLE_PEER_FAILED_VERIFICATION: return errc::server_certificate_invalid;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE: return errc::tls_failed;
    case CURLE_OPERATION_TIMEDOUT: return all_sent ? errc::timeout : errc::connect_timeout;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING: return all_sent ? errc::connection_lost : errc::connection_lost_before_sending;
    default: return errc::connect_failed;
  }
}

}  // namespace

result<> send_mail(const smtp_server& server, const std::string& from, const std::vector<std::string>& to, const std::string& message) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  const auto place = server.host + ":" + std::to_string(server.port);
  if (to.empty()) return fail(errc::invalid_argument, "a mail needs a recipient", place);
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl{curl_easy_init(), curl_easy_cleanup};
  if (!curl) return fail(errc::connect_failed, "libcurl can't be started", place);
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> recipients{nullptr, curl_slist_free_all};
  for (const auto& address : to) {
    auto* longer = curl_slist_append(recipients.get(), ("<" + address + ">").c_str());
    if (!longer) return fail(errc::connect_failed, "there is no memory for a recipient", place);
    static_cast<void>(recipients.release());
    recipients.reset(longer);
  }
  auto* c = curl.get();
  char said[CURL_ERROR_SIZE] = "";
  reading body{message};
  const auto v6 = server.host.find(':') != std::string::npos && !server.host.starts_with('[');
  const auto url = std::string(server.security == smtp_security::tls ? "smtps://" : "smtp://") +
                   (v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port) +
                   (server.own_name.empty() ? "" : "/" + server.own_name);
  bool set = true;
  const auto option = [&](CURLoption name, auto value) { set = set && curl_easy_setopt(c, name, value) == CURLE_OK; };
  option(CURLOPT_URL, url.c_str());
  option(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  option(CURLOPT_PROXY, "");  // not what the environment says
  option(CURLOPT_NOSIGNAL, 1L);
  option(CURLOPT_ERRORBUFFER, said);
  option(CURLOPT_TIMEOUT_MS, static_cast<long>(server.timeout_ms));
  option(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(server.timeout_ms));
  option(CURLOPT_USE_SSL, server.security == smtp_security::none ? static_cast<long>(CURLUSESSL_NONE) : static_cast<long>(CURLUSESSL_ALL));
  option(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  option(CURLOPT_SSL_VERIFYPEER, 1L);
  option(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!server.trust.empty()) option(CURLOPT_CAINFO, server.trust.c_str());
  if (!server.certificate.empty()) {
    option(CURLOPT_SSLCERT, server.certificate.c_str());
    option(CURLOPT_SSLKEY, server.key.c_str());
    if (!server.key_password.empty()) option(CURLOPT_KEYPASSWD, server.key_password.reveal().c_str());
  }
  if (!server.username.empty()) {
    option(CURLOPT_USERNAME, server.username.c_str());
    option(CURLOPT_PASSWORD, server.password.reveal().c_str());
  }
  const auto sender = "<" + from + ">";
  option(CURLOPT_MAIL_FROM, sender.c_str());
  option(CURLOPT_MAIL_RCPT, recipients.get());
  option(CURLOPT_READFUNCTION, &read_more);
  option(CURLOPT_READDATA, &body);
  option(CURLOPT_UPLOAD, 1L);
  option(CURLOPT_WRITEFUNCTION, &drop);
  if (!set) return fail(errc::tls_setup, "libcurl does not take the settings of the SMTP server", place);
  const auto ended = curl_easy_perform(c);
  if (ended == CURLE_OK) return {};
  long status = 0;
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
  auto text = "the mail was not sent: " + std::string(said[0] ? said : curl_easy_strerror(ended));
  if (status >= 400) text += " (the server's last answer was " + std::to_string(status) + ")";
  if (ended == CURLE_LOGIN_DENIED) text += "; see mail.username and mail.password";
  if (ended == CURLE_USE_SSL_FAILED) text += "; it offers no STARTTLS, see mail.security";
  return fail(code_of(ended, body.at == message.size()), std::move(text), place);
}

}  // namespace dsf::net
