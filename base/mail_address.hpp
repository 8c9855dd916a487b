// Addresses of mails: name@host, as RFC 5321 4.1.2 without quoted names, address literals and non-ASCII.
#pragma once

#include <string_view>

namespace dsf::base {

// Nothing in such an address can end a header or a command.
bool is_mail_address(std::string_view text) noexcept;

}  // namespace dsf::base
