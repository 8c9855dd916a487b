// Faults these find: a subject that adds headers, an address that adds recipients, text that is cut or changed on its way, a mail without an
// identity over retries.
#include "plugins/mail.hpp"

#include <catch2/catch.hpp>

#include <sstream>

using namespace dsf;
using namespace dsf::plugins;

namespace {

const mail_defaults defaults{"dsf@hospital.example", {"desk@hospital.example"}, {"cc@hospital.example"}, {"answers@hospital.example"}};
constexpr base::timestamp monday{1'795'400'123'000'000};  // 2026-11-23T02:15:23Z

std::string header(const std::string& text, const std::string& name) {
  const auto at = text.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "none";
  const auto from = at + 2 + name.size() + 2;
  auto to = text.find("\r\n", from);
  while (text.compare(to + 2, 1, " ") == 0) to = text.find("\r\n", to + 2);
  return text.substr(from, to - from);
}

std::string error_of(const mail& m, const mail_defaults& d = defaults) {
  const auto r = finish_mail(m, d, monday);
  return r ? "taken" : r.error().to_string();
}

}  // namespace

TEST_CASE("mail: headers, recipients of the envelope, text in base64") {
  const auto m = finish_mail({"Ping failed", "line 1\nline 2 \xc3\xa4\n", {}, "key"}, defaults, monday);
  REQUIRE(m);
  CHECK(m->recipients == std::vector<std::string>{"desk@hospital.example", "cc@hospital.example"});
  CHECK(m->text.starts_with("Date: Mon, 23 Nov 2026 02:15:23 +0000\r\nFrom: dsf@hospital.example\r\n"));
  CHECK(header(m->text, "To") == "desk@hospital.example");
  CHECK(header(m->text, "Cc") == "cc@hospital.example");
  CHECK(header(m->text, "Reply-To") == "answers@hospital.example");
  CHECK(header(m->text, "Subject") == "Ping failed");
  CHECK(header(m->text, "Message-ID") == "<" + m->message_id + ">");
  CHECK(m->message_id.ends_with("@hospital.example"));
  CHECK(m->text.ends_with("\r\n\r\nbGluZSAxCmxpbmUgMiDDpAo=\r\n"));
  std::istringstream lines(m->text);
  for (std::string line; std::getline(lines, line);) {
    CHECK(line.size() <= 78);
    CHECK(line.ends_with('\r'));
  }
}

TEST_CASE("mail: the same activation and content have the same Message-ID, others another one") {
  const mail once{"s", "t", {"a@b"}, "key"};
  const auto id = [](const mail& m) { return finish_mail(m, defaults, monday)->message_id; };
  CHECK(id(once) == id(once));
  for (const auto& other :
       {mail{"s2", "t", {"a@b"}, "key"}, mail{"s", "t2", {"a@b"}, "key"}, mail{"s", "t", {"a@c"}, "key"}, mail{"s", "t", {"a@b"}, "key2"}})
    CHECK(id(other) != id(once));
}

TEST_CASE("mail: what is not ASCII in a subject becomes encoded words that cut no character") {
  std::string subject;
  for (int i = 0; i < 60; ++i) subject += "\xc3\xa4";
  const auto m = finish_mail({subject, "", {}, {}}, defaults, monday);
  REQUIRE(m);
  std::string words = header(m->text, "Subject");
  std::istringstream lines(words);
  int n = 0;
  for (std::string word; std::getline(lines, word); ++n) {
    CHECK(word.find("=?UTF-8?B?w6TDp") != std::string::npos);
    CHECK(word.size() <= 78);
  }
  CHECK(n == 3);
  CHECK(header(finish_mail({"=?UTF-8?Q?x?=", "", {}, {}}, defaults, monday)->text, "Subject") == "=?UTF-8?B?PT9VVEYtOD9RP3g/PQ==?=");
}

TEST_CASE("mail: what can't be one is refused with its reason") {
  CHECK_THAT(error_of({"s\r\nBcc: x@y", "t", {}, {}}), Catch::Contains("no line breaks"));
  CHECK_THAT(error_of({"", "t", {}, {}}), Catch::Contains("a subject of 1 to 500 bytes"));
  CHECK_THAT(error_of({std::string(501, 's'), "t", {}, {}}), Catch::Contains("501"));
  CHECK_THAT(error_of({"s", std::string((1 << 20) + 1, 't'), {}, {}}), Catch::Contains("at most 1048576 bytes"));
  CHECK_THAT(error_of({"s", "t", {"a@b\r\nDATA"}, {}}), Catch::Contains("is no mail address"));
  CHECK_THAT(error_of({"s", "t", std::vector<std::string>(101, "a@b"), {}}), Catch::Contains("at most 100 recipients"));
  CHECK_THAT(error_of({"s", "t", {}, {}}, {"a@b", {}, {}, {}}), Catch::Contains("names no recipient") && Catch::Contains("mail.to"));
}
