// What went wrong, in a form that a program can branch on and a person can act on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace dsf::base {

// The kind decides how a protocol reports an error (HTTP status, gRPC status); see error_kind_http() in fhir/ and site/.
enum class error_kind : std::uint8_t {
  invalid,       // the input is wrong; the same call never succeeds
  not_found,     // no such thing
  forbidden,     // known caller, not allowed
  conflict,      // a precondition did not hold; prepare again
  too_large,     // a named limit was exceeded
  overloaded,    // a queue is full; try again later
  unavailable,   // a partner or the store is not reachable now
  timeout,       // a deadline passed
  corrupt,       // stored data does not check out
  unsupported,   // understood, but this program does not do it
  internal,      // a bug of ours
};

// One row of a module's error table.
struct error_entry {
  std::string_view name;  // stable, snake_case; appears in logs and tests
  error_kind kind;
};

// One enum a module: `enum class errc : std::uint16_t`, with `const error_domain& domain_of(errc)` found by ADL.
struct error_domain {
  std::string_view name;  // the module: "bpmn", "storage", ...
  error_entry (*entry)(std::uint16_t value);
};

class error {
public:
  template <class Enum>
  error(Enum code, std::string text, std::string place = {})
      : domain_(&domain_of(code)), value_(static_cast<std::uint16_t>(code)), text_(std::move(text)), place_(std::move(place)) {}

  template <class Enum>
  [[nodiscard]] bool is(Enum code) const noexcept {
    return domain_ == &domain_of(code) && value_ == static_cast<std::uint16_t>(code);
  }

  [[nodiscard]] error_kind kind() const noexcept { return domain_->entry(value_).kind; }
  // "storage.conflict"
  [[nodiscard]] std::string code() const;
  // A sentence for people: what, and how to mend it.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  // Where: resource path, BPMN element id, file:line. May be empty.
  [[nodiscard]] const std::string& place() const noexcept { return place_; }
  [[nodiscard]] const error* cause() const noexcept { return cause_.get(); }

  [[nodiscard]] error&& at(std::string place) && {
    if (place_.empty()) place_ = std::move(place);
    return std::move(*this);
  }
  [[nodiscard]] error&& because(error cause) && {
    cause_ = std::make_shared<const error>(std::move(cause));
    return std::move(*this);
  }

  // "place: text (because: ...)", one line.
  [[nodiscard]] std::string to_string() const;

private:
  const error_domain* domain_;
  std::uint16_t value_;
  std::string text_;
  std::string place_;
  std::shared_ptr<const error> cause_;
};

std::string_view to_string(error_kind kind) noexcept;

// Errors of base itself and of code without a domain of its own.
enum class errc : std::uint16_t { invalid_argument, parse, io, limit, internal };
const error_domain& domain_of(errc) noexcept;

}  // namespace dsf::base
