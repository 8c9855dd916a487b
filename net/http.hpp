// HTTP messages as plain values. Nothing here knows a socket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace dsf::net {

// Header fields in order; names compare without case, and may occur more than once.
class header_list {
public:
  struct field {
    std::string name;
    std::string value;
    bool operator==(const field&) const = default;
  };

  header_list() = default;
  header_list(std::initializer_list<field> fields) : fields_(fields) {}

  void add(std::string name, std::string value) { fields_.push_back({std::move(name), std::move(value)}); }
  // Replaces all fields of that name by one.
  void set(std::string name, std::string value);
  void remove(std::string_view name);
  // The first field's value, or nullptr.
  [[nodiscard]] const std::string* find(std::string_view name) const noexcept;
  // The first field's value, or an empty text.
  [[nodiscard]] std::string_view value(std::string_view name) const noexcept;
  [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
  [[nodiscard]] auto begin() const noexcept { return fields_.begin(); }
  [[nodiscard]] auto end() const noexcept { return fields_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
  [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }
  void clear() noexcept { fields_.clear(); }
  void reserve(std::size_t n) { fields_.reserve(n); }
  bool operator==(const header_list&) const = default;

private:
  std::vector<field> fields_;
};

// ASCII only, as header names are.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

struct token_claims;

// Who is at the other end of a connection (dsf-fhir-server 2.2).
struct peer {
  bool has_certificate = false;
  std::string thumbprint;   // lower-case hex SHA-512 of the certificate's DER, 128 characters
  std::string subject;      // RFC 2253 distinguished name
  std::string common_name;  // subject CN
  std::string email;        // subject E / emailAddress, else SAN rfc822Name
  std::string surname;      // subject SURNAME values joined by a blank
  std::string given_name;   // subject GIVENNAME values joined by a blank
  base::timestamp not_after;
  std::string address;      // "127.0.0.1:41234"
  std::string country;      // subject C
  std::string issuer;       // issuer CN
  // Who came with a verified token instead of a certificate; `thumbprint` then is a name for the token that no certificate has.
  std::shared_ptr<const token_claims> token;
};

// A message body: text of its own, or bytes shared with a cache or the store, which are sent without being copied.
class body_bytes {
public:
  body_bytes() = default;
  body_bytes(std::string text) : own_(std::move(text)) {}
  body_bytes(const char* text) : own_(text) {}
  body_bytes(std::shared_ptr<const std::string> bytes) : shared_(std::move(bytes)) {}
  [[nodiscard]] std::string_view view() const noexcept { return shared_ ? std::string_view(*shared_) : std::string_view(own_); }
  [[nodiscard]] std::size_t size() const noexcept { return view().size(); }
  [[nodiscard]] bool empty() const noexcept { return view().empty(); }

private:
  std::string own_;
  std::shared_ptr<const std::string> shared_;
};

// Takes the body of a request as it comes, in place of request::body. On the connection's io thread, one piece at a time; dropped before the end if
// the connection breaks.
class body_sink {
public:
  virtual ~body_sink() = default;
  // `done` is called once, from any thread, also inside: null, or the answer to give in place of taking the rest.
  virtual void take(std::string piece, std::function<void(std::shared_ptr<struct response> refusal)> done) = 0;
};

// Gives the body of an answer piece by piece, in place of response::body.
class body_source {
public:
  virtual ~body_source() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  // `done` is called once, from any thread, also inside, with the next piece, not empty before the end; or with the reason why there is none, and the
  // connection is cut, so that the other side sees that the answer is not whole. Called again only after that.
  virtual void next(std::function<void(base::result<std::string> piece)> done) = 0;
};

struct request {
  std::string method;  // as sent, e.g. "GET"
  std::string target;  // origin form, not decoded: "/fhir/Task?status=requested"
  header_list headers;
  std::string body;
  std::shared_ptr<body_sink> sink;  // has the body; null: it is in `body`
  std::shared_ptr<const struct peer> peer;  // never null in a handler

  // The target's part before '?', not decoded.
  [[nodiscard]] std::string_view path() const noexcept;
  // The target's part after '?', not decoded; empty if there is none.
  [[nodiscard]] std::string_view query() const noexcept;
};

// The server adds Content-Length and Connection, and no other header; it drops those two if the handler set them (but for
// HEAD without a body, where the handler's Content-Length is sent).
struct response {
  int status = 200;
  header_list headers;
  body_bytes body;
  std::shared_ptr<body_source> source;  // the body instead
  [[nodiscard]] std::uint64_t body_size() const { return source ? source->size() : body.size(); }
};

// Answers one request: once, from any thread, any time later. Dropped without an answer, it answers 500.
class responder {
public:
  struct target {
    virtual ~target() = default;
    virtual void answer(std::uint64_t exchange, response&& r) = 0;
    virtual void dropped(std::uint64_t exchange) = 0;
  };

  responder() = default;
  responder(std::weak_ptr<target> to, std::uint64_t exchange) : target_(std::move(to)), exchange_(exchange), armed_(true) {}
  // For tests and simulations of handlers, without a server.
  static responder to(std::function<void(response&&)> receiver);

  responder(responder&& other) noexcept;
  responder& operator=(responder&& other) noexcept;
  responder(const responder&) = delete;
  responder& operator=(const responder&) = delete;
  ~responder() { drop(); }

  // The second call does nothing.
  void operator()(response r);
  explicit operator bool() const noexcept { return armed_; }

private:
  void drop() noexcept;

  std::weak_ptr<target> target_;
  std::shared_ptr<target> keep_;
  std::uint64_t exchange_ = 0;
  bool armed_ = false;
};

// Called on a connection's io thread: it must not block; what takes longer moves the responder elsewhere.
using handler = std::function<void(request&&, responder)>;

// "Not Found"; empty for codes without a registered phrase.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

// A short text answer, for errors below the level of FHIR.
[[nodiscard]] response text_response(int status, std::string text);

}  // namespace dsf::net
