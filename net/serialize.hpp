// Heads of messages as bytes (RFC 9112).
#pragma once

#include <string>
#include <string_view>

#include "net/http.hpp"

namespace dsf::net {

// True if no name or value could end a line or smuggle a field.
[[nodiscard]] bool is_sendable(const header_list& headers) noexcept;
// Appends status line, the handler's fields without Content-Length, Connection and Transfer-Encoding, and ours.
// `keep_alive` false says "Connection: close"; true is said only to an HTTP/1.0 client.
void write_response_head(std::string& out, const response& r, bool to_head_request, bool keep_alive);
void write_request_head(std::string& out, std::string_view method, std::string_view target, std::string_view host,
                        const header_list& headers, std::size_t body_bytes);

}  // namespace dsf::net
