// The headers of pages and their files (dsf-fhir-server 9), and what a request says of language and form. Private to site/pages.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http.hpp"
#include "web/texts.hpp"

namespace dsf::site {

net::response page_response(int status, std::string html);
void add_security_headers(net::header_list& headers, bool with_policy);
// By `_format`, else by Accept: text/html comes before all others.
bool wants_page(const net::request& r);
bool is_form(const net::request& r);
// `lang` of the query, else the cookie, else Accept-Language.
web::language language_of(const net::request& r);
// Set where the query names a language.
void remember_language(const net::request& r, net::header_list& answer);
using parameters = std::vector<std::pair<std::string, std::string>>;
// Decoded, without `lang`, `_format` and what is empty (inputs of a search form that were not filled in).
parameters asked_of(const net::request& r);
std::string encoded(const parameters& q);
inline constexpr std::string_view language_cookie = "__Host-dsfd-language";

}  // namespace dsf::site
