#include "plugins/mail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/bytes.hpp"
#include "base/mail_address.hpp"
#include "base/mutant.hpp"
#include "plugins/errc.hpp"
#include "plugins/workers/digest.hpp"

namespace dsf::plugins {
namespace {

using base::fail;
using base::result;

constexpr std::size_t subject_bytes = 500, text_bytes = 1 << 20, recipients_at_most = 100;
constexpr std::size_t word_bytes = 42;  // of an encoded word, so that it has at most 75 characters (RFC 2047 2)
constexpr std::size_t line_bytes = 76;  // of base64 (RFC 2045 6.8)
constexpr std::size_t id_characters = 32;

bool control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// As it is, or as encoded words that never cut a character.
std::string header_text(std::string_view text) {
  const bool plain = std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  if (plain && text.find("=?") == std::string_view::npos) return std::string(text);
  std::string out;
  while (!text.empty()) {
    auto n = std::min(word_bytes, text.size());
    while (n < text.size() && n > word_bytes - 4 && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) --n;
    out += (out.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + base::to_base64(text.substr(0, n)) + "?=";
    text.remove_prefix(n);
  }
  return out;
}

// RFC 5322 3.3, in UTC.
std::string date_text(base::timestamp t) {
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_seconds at{std::chrono::seconds{t.us / base::us_per_s}};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const auto s = (at - day).count();
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000", days[std::chrono::weekday{day}.c_encoding()],
                     static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                     s / 3600, s / 60 % 60, s % 60);
}

std::string list_of(const std::vector<std::string>& addresses) {
  std::string out;
  for (const auto& a : addresses) out += (out.empty() ? "" : ",\r\n ") + a;
  return out;
}

result<> check(const std::vector<std::string>& addresses) {
  for (const auto& a : addresses)
    if (!base::is_mail_address(a)) return fail(errc::bad_mail, "'" + a.substr(0, 100) + "' is no mail address (name@host.example)");
  return {};
}

}  // namespace

result<finished_mail> finish_mail(const mail& m, const mail_defaults& defaults, base::timestamp now) {
  if (m.subject.empty() || m.subject.size() > subject_bytes)
    return fail(errc::bad_mail, fmt::format("a mail has a subject of 1 to {} bytes, this one has {}", subject_bytes, m.subject.size()));
  if (std::ranges::any_of(m.subject, control) && !DSF_MUTANT("plugins.mail_subject_with_line_breaks"))
    return fail(errc::bad_mail, "the subject of a mail has no line breaks and no other control characters");
  if (m.text.size() > text_bytes)
    return fail(errc::bad_mail, fmt::format("the text of a mail has at most {} bytes, this one has {}", text_bytes, m.text.size()));
  const auto& to = m.to.empty() ? defaults.to : m.to;
  if (to.empty()) return fail(errc::bad_mail, "the mail names no recipient, and neither do the settings", "mail.to");
  if (to.size() + defaults.cc.size() > recipients_at_most)
    return fail(errc::bad_mail, fmt::format("a mail has at most {} recipients", recipients_at_most));
  TRY(check(to));
  finished_mail out;
  out.recipients = to;
  for (const auto& a : defaults.cc)
    if (std::ranges::find(out.recipients, a) == out.recipients.end()) out.recipients.push_back(a);

  const auto host = defaults.from.substr(defaults.from.find('@') + 1);
  const auto what = m.idempotency_key + '\0' + m.subject + '\0' + list_of(to) + '\0' + m.text;
  out.message_id = base::to_hex(TRY(workers::hash(workers::digest::sha256, what))).substr(0, id_characters) + "@" + host;

  out.text = fmt::format("Date: {}\r\nFrom: {}\r\nTo: {}\r\n", date_text(now), defaults.from, list_of(to));
  if (!defaults.cc.empty()) out.text += fmt::format("Cc: {}\r\n", list_of(defaults.cc));
  if (!defaults.reply_to.empty()) out.text += fmt::format("Reply-To: {}\r\n", list_of(defaults.reply_to));
  out.text += fmt::format(
      "Message-ID: <{}>\r\nSubject: {}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n"
      "Content-Transfer-Encoding: base64\r\nAuto-Submitted: auto-generated\r\n\r\n",
      out.message_id, header_text(m.subject));
  const auto body = base::to_base64(m.text);
  for (std::size_t at = 0; at < body.size(); at += line_bytes) (out.text += body.substr(at, line_bytes)) += "\r\n";
  return out;
}

}  // namespace dsf::plugins
