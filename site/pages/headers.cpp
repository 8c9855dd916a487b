#include "site/pages/headers.hpp"

#include <algorithm>

#include "base/mutant.hpp"
#include "net/query.hpp"

namespace dsf::site {
namespace {

std::string parameter(const net::request& r, std::string_view name) {
  // Asked of every request: nothing is decoded where the name does not stand.
  if (r.query().find(name) == std::string_view::npos) return {};
  if (const auto q = net::parse_query(r.query()))
    for (const auto& p : *q)
      if (p.name == name) return p.value;
  return {};
}

std::string cookie(const net::request& r, std::string_view name) {
  for (auto list : r.headers.all("Cookie"))
    while (!list.empty()) {
      const auto end = list.find(';');
      auto one = list.substr(0, end);
      list = end == list.npos ? std::string_view() : list.substr(end + 1);
      one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
      if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=') return std::string(one.substr(name.size() + 1));
    }
  return {};
}

}  // namespace

// dsf-fhir-server 9
void add_security_headers(net::header_list& h, bool with_policy) {
  h.set("X-Content-Type-Options", "nosniff");
  h.set("Referrer-Policy", "strict-origin-when-cross-origin");
  h.set("Cross-Origin-Opener-Policy", "same-origin");
  h.set("Cross-Origin-Embedder-Policy", "require-corp");
  h.set("Cross-Origin-Resource-Policy", "same-site");
  h.set("Permissions-Policy", "geolocation=(), camera=(), microphone=()");
  if (!with_policy || DSF_MUTANT("web.no_content_security_policy")) return;
  h.set("Content-Security-Policy",
        "base-uri 'self'; frame-ancestors 'none'; form-action 'self'; default-src 'none'; connect-src 'self'; img-src 'self'; script-src "
        "'self'; "
        "style-src 'self'");
  // For what does not know frame-ancestors.
  h.set("X-Frame-Options", "DENY");
}

net::response page_response(int status, std::string html) {
  net::response out;
  out.status = status;
  out.headers.set("Content-Type", "text/html;charset=UTF-8");
  out.headers.set("Cache-Control", "no-cache, no-transform, private");
  out.headers.set("Vary", "Accept, Accept-Language, Cookie");
  add_security_headers(out.headers, true);
  out.body = std::move(html);
  return out;
}

bool wants_page(const net::request& r) {
  if (const auto format = parameter(r, "_format"); !format.empty()) return format == "text/html" || format == "html";
  return std::ranges::any_of(r.headers, [](const auto& f) {
    return net::equals_ignoring_case(f.name, "Accept") && f.value.find("text/html") != std::string::npos;
  });
}

bool is_form(const net::request& r) {
  return r.method == "POST" && r.headers.value("Content-Type").starts_with("application/x-www-form-urlencoded");
}

web::language language_of(const net::request& r) {
  web::language l{};
  if (web::parse_language(parameter(r, "lang"), l)) return l;
  if (web::parse_language(cookie(r, language_cookie), l)) return l;
  return web::language_of(r.headers.value("Accept-Language"));
}

void remember_language(const net::request& r, net::header_list& answer) {
  web::language l{};
  if (!web::parse_language(parameter(r, "lang"), l)) return;
  constexpr int a_year_s = 365 * 24 * 3600;
  answer.add("Set-Cookie", std::string(language_cookie) + "=" + std::string(web::tag_of(l)) +
                               "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=" + std::to_string(a_year_s));
}

parameters asked_of(const net::request& r) {
  parameters out;
  if (auto q = net::parse_query(r.query()))
    for (auto& p : *q)
      if (!p.value.empty() && p.name != "lang" && p.name != "_format") out.emplace_back(std::move(p.name), std::move(p.value));
  return out;
}

std::string encoded(const parameters& q) {
  std::vector<net::query_parameter> list;
  for (const auto& [name, value] : q) list.push_back({name, value});
  return net::encode_query(list);
}

}  // namespace dsf::site
