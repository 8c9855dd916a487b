// Runs the cases of *.wire as test cases of their own.
#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <re2/re2.h>
#include <algorithm>
#include <map>

#include "base/entropy.hpp"
#include "base/json.hpp"
#include "base/uuid.hpp"
#include "tests/wire/wire_file.hpp"
#include "tests/wire/wire_site.hpp"

namespace dsf::tests {
namespace {

using base::json;
constexpr std::int64_t answer_timeout_ms = 15'000;

// a.b[2].c
std::vector<std::string> steps_of(const std::string& path) {
  std::vector<std::string> out(1);
  for (const char c : path) {
    if (c == '.' || c == '[')
      out.emplace_back();
    else if (c != ']')
      out.back() += c;
  }
  std::erase_if(out, [](const auto& s) { return s.empty(); });
  return out;
}
bool is_index(const std::string& s) {
  return !s.empty() && std::ranges::all_of(s, [](char c) { return c >= '0' && c <= '9'; });
}

const json& look(const json& from, const std::string& path) {
  const json* at = &from;
  for (const auto& s : steps_of(path)) at = is_index(s) ? &(*at)[static_cast<std::size_t>(std::stoul(s))] : &(*at)[s];
  return *at;
}

// Null when the way there does not exist; the last step is made if it is a member's name.
json* reach(json& from, const std::vector<std::string>& steps) {
  json* at = &from;
  for (const auto& s : steps) {
    if (is_index(s)) {
      auto* list = at->if_array();
      if (!list || std::stoul(s) >= list->size()) return nullptr;
      at = &(*list)[std::stoul(s)];
    } else {
      auto* next = at->find(s);
      at = next ? next : &at->set(s, json());
    }
  }
  return at;
}

class exchange_run {
public:
  exchange_run(const wire_case& c, std::map<std::string, std::string>& variables) : case_(c), variables_(variables) {}

  void run(const wire_exchange& e) {
    for (const auto& l : e.request)
      if (l.word == "as") who_ = l.rest;
    variables_["self"] = wire_site::name_of(who_);
    variables_["base"] = wire_site::shared().base();
    variables_["origin"] = variables_["base"].substr(0, variables_["base"].find('/', std::string_view("https://").size()));
    net::client_request q;
    build(e, q);
    INFO(fmt::format("{}:{} as {}: {} {}\n{}", case_.file, e.expected.front().number, who_, q.method, q.url,
                     q.body.view().substr(0, 3'000)));
    auto& site = wire_site::shared();
    const auto before = site.store_sequence();
    const bool changes = std::ranges::any_of(e.expected, [](const auto& l) { return l.word == "changed"; });
    const auto method = q.method;
    const auto answer = site.client(who_).send_and_wait(std::move(q), answer_timeout_ms);
    const auto& wanted = e.expected.front();
    const auto first_word = wanted.rest.substr(0, wanted.rest.find(' '));
    if (wanted.word == "refused") {
      REQUIRE_FALSE(answer);
      CHECK(answer.error().code() == first_word);
      CHECK(site.store_sequence() == before);
      return;
    }
    if (!answer) FAIL(answer.error().to_string());
    INFO(fmt::format("answer: {}\n{}", answer->status, answer->body.substr(0, 3'000)));
    REQUIRE(std::to_string(answer->status) == first_word);
    if (wanted.rest.size() > first_word.size()) CHECK(diagnostics(answer->body) == replaced(wanted.rest.substr(first_word.size() + 1)));
    // What is refused leaves nothing behind.
    const bool unchanged = answer->status >= 400 || std::ranges::any_of(e.expected, [](const auto& l) { return l.word == "unchanged"; });
    if (unchanged && !changes) CHECK(site.store_sequence() == before);
    if (changes) CHECK(site.store_sequence() > before);
    check_shape(method, *answer);
    for (std::size_t i = 1; i < e.expected.size(); ++i) check(e.expected[i], *answer);
  }

private:
  // What each status owes (dsf-fhir-server 3.2, 3.4), so that no exchange looks at the status alone.
  static void check_shape(const std::string& method, const net::client_response& r) {
    const bool is_json = r.headers.value("Content-Type").starts_with("application/fhir+json");
    if (method == "HEAD" || r.status == 204 || r.status == 304) CHECK(r.body.empty());
    if (r.status == 201) {
      CHECK(r.headers.value("ETag") == "W/\"1\"");
      CHECK(r.headers.value("Location").ends_with("/_history/1"));
      CHECK(r.headers.has("Last-Modified"));
    }
    if (!is_json || r.body.empty()) return;
    const auto body = json::parse(r.body);
    REQUIRE(body);
    CHECK_FALSE((*body)["resourceType"].str().empty());
    if (r.status < 400) return;
    CHECK((*body)["resourceType"].str() == "OperationOutcome");
    CHECK((*body)["issue"][std::size_t{0}]["severity"].str() == "error");
    CHECK_FALSE((*body)["issue"][std::size_t{0}]["code"].str().empty());
  }

  std::string replaced(std::string text) {
    for (std::size_t at = 0; (at = text.find("${", at)) != text.npos;) {
      const auto end = text.find('}', at);
      const auto name = text.substr(at + 2, end - at - 2);
      const auto value = name == "uuid" ? base::uuid::random(base::system_entropy()).to_string() : variables_[name];
      text.replace(at, end - at + 1, value);
      at += value.size();
    }
    return text;
  }

  json parsed(const wire_line& l, const std::string& text) {
    auto j = json::parse(text);
    if (!j) throw std::runtime_error(fmt::format("{}:{}: {}: {}", case_.file, l.number, j.error().to_string(), text));
    return *std::move(j);
  }

  void build(const wire_exchange& e, net::client_request& q) {
    json body;
    std::string raw;
    bool has_json = false;
    for (const auto& l : e.request) {
      const auto rest = replaced(l.rest);
      const auto blank = rest.find(' ');
      const auto first = rest.substr(0, blank), second = blank == rest.npos ? std::string() : rest.substr(blank + 1);
      if (l.word == "header") {
        const auto colon = rest.find(':');
        const auto value = rest.substr(std::min(rest.size(), rest.find_first_not_of(' ', colon + 1)));
        q.headers.set(rest.substr(0, colon), value);
        if (value.empty()) q.headers.remove(rest.substr(0, colon));
      } else if (l.word == "body") {
        body = parsed(l, replaced(read_text(std::filesystem::path(DSF_SOURCE_DIR) / "tests/wire/bodies" / (rest + ".json"))));
        has_json = true;
      } else if (l.word == "set" || l.word == "append") {
        auto* at = reach(body, steps_of(first));
        if (!at) throw std::runtime_error(fmt::format("{}:{}: no {} in the body", case_.file, l.number, first));
        if (l.word == "set")
          *at = parsed(l, second);
        else
          at->push_back(parsed(l, second));
      } else if (l.word == "remove") {
        auto steps = steps_of(first);
        const auto last = steps.back();
        steps.pop_back();
        auto* at = reach(body, steps);
        if (at && is_index(last))
          at->if_array()->erase(at->if_array()->begin() + std::stol(last));
        else if (at)
          at->erase(last);
      } else if (l.word == "raw") {
        raw = rest;
        has_json = false;
      } else if (l.word == "fill") {
        raw = "{\"resourceType\":\"Group\",\"name\":\"" + std::string(std::stoul(rest), 'x') + "\"}";
        has_json = false;
      } else if (l.word != "as") {
        q.method = l.word;
        q.url = rest.starts_with("https://") ? rest : wire_site::shared().base() + (rest.empty() ? "" : "/" + rest);
      }
    }
    q.body = has_json ? body.dump() : raw;
    if (!q.headers.has("Content-Type") && q.body.size() > 0) q.headers.set("Content-Type", "application/fhir+json");
    if (!q.headers.has("Accept")) q.headers.set("Accept", "application/fhir+json");
    if (q.headers.value("Accept") == "none") q.headers.remove("Accept");
  }

  static std::string diagnostics(const std::string& body) {
    const auto j = json::parse(body);
    return j ? (*j)["issue"][std::size_t{0}]["diagnostics"].str() : "no OperationOutcome";
  }

  // "= value" or "~ regex"
  void compare(const wire_line& l, const std::string& actual, const std::string& condition) {
    const auto wanted = replaced(condition.size() > 2 ? condition.substr(2) : std::string());
    INFO(fmt::format("{}:{}: {} {}; is {}", case_.file, l.number, l.word, l.rest, actual));
    if (condition.starts_with("~"))
      CHECK(RE2::PartialMatch(actual, wanted));
    else
      CHECK(actual == wanted);
  }

  static std::string shown(const json& j) { return j.is_string() ? j.str() : j.is_null() ? "" : j.dump(); }

  void check(const wire_line& l, const net::client_response& r) {
    const auto blank = l.rest.find(' ');
    const auto first = l.rest.substr(0, blank), second = blank == l.rest.npos ? std::string() : l.rest.substr(blank + 1);
    if (l.word == "header") {
      compare(l, std::string(r.headers.value(first)), second);
    } else if (l.word == "no") {
      INFO(first);
      CHECK_FALSE(r.headers.has(first));
    } else if (l.word == "json") {
      compare(l, shown(look(parsed(l, r.body), first)), second);
    } else if (l.word == "text") {
      compare(l, diagnostics(r.body), l.rest);
    } else if (l.word == "content") {
      compare(l, r.body, l.rest);
    } else if (l.word == "empty") {
      CHECK(r.body.empty());
    } else if (l.word == "save") {
      const auto from = second.find(' ');
      const auto kind = second.substr(0, from), where = second.substr(from + 1);
      if (kind == "content") {
        INFO(fmt::format("{}:{}: {} {}", case_.file, l.number, l.word, l.rest));
        CHECK(RE2::PartialMatch(r.body, where, &variables_[first]));
      } else {
        variables_[first] = kind == "json" ? shown(look(parsed(l, r.body), where)) : std::string(r.headers.value(where));
      }
    } else if (l.word != "changed" && l.word != "unchanged") {
      FAIL(fmt::format("{}:{}: '{}' is not known here", case_.file, l.number, l.word));
    }
  }

  const wire_case& case_;
  std::map<std::string, std::string>& variables_;
  std::string who_ = "local";
};

class case_invoker final : public Catch::ITestInvoker {
public:
  explicit case_invoker(wire_case c) : case_(std::move(c)) {}
  void invoke() const override {
    std::map<std::string, std::string> variables;
    for (const auto& e : case_.exchanges) exchange_run(case_, variables).run(e);
  }

private:
  wire_case case_;
};

// One test case for each case of each file; a file that does not read is a failing test case.
std::vector<std::unique_ptr<Catch::AutoReg>> register_cases() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(DSF_SOURCE_DIR) / "tests/wire"))
    if (entry.path().extension() == ".wire") files.push_back(entry.path());
  std::ranges::sort(files);
  std::vector<std::unique_ptr<Catch::AutoReg>> out;
  for (const auto& file : files)
    for (auto& c : read_wire_file(file.string())) {
      const auto name = file.stem().string() + ": " + c.name;
      const auto line = static_cast<std::size_t>(c.line);
      out.push_back(std::make_unique<Catch::AutoReg>(new case_invoker(std::move(c)), Catch::SourceLineInfo("", line), "",
                                                     Catch::NameAndTags(name, "[wire]")));
    }
  return out;
}
const auto registered = register_cases();

}  // namespace
}  // namespace dsf::tests
