#include "tests/corpus/expect.hpp"

#include <re2/re2.h>

#include <stdexcept>

namespace dsf::tests {
namespace {

using base::json;

constexpr int max_depth = 40;

const std::map<std::string, std::string> kinds{
    {"uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"},
    {"instant", R"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"},
    {"digits", "[1-9][0-9]*"},
    {"tens", "0|[1-9][0-9]*0"},
};

}  // namespace

expectation& expectation::know(const std::string& name, const std::string& value) {
  known_[name] = value;
  return *this;
}

std::vector<std::string> expectation::differences(const json& expected, const json& actual) {
  found_.clear();
  compare(expected, actual, actual["resourceType"].str(), 0);
  return found_;
}

bool expectation::fits(const std::string& expected, const std::string& actual) {
  static const RE2 place(R"((?s)(.*?)\{\{([a-z-]*)(?::([a-z]+))?\}\})");
  std::string pattern, before, name, kind;
  std::vector<std::string> names;
  re2::StringPiece rest(expected);
  while (RE2::Consume(&rest, place, &before, &name, &kind)) {
    pattern += RE2::QuoteMeta(before);
    if (const auto it = known_.find(name); it != known_.end()) {
      pattern += RE2::QuoteMeta(it->second);
    } else if (!kind.empty()) {
      pattern += "(" + kinds.at(kind) + ")";
      names.push_back(name);
    } else {
      throw std::runtime_error("nothing is known of {{" + name + "}} in " + expected);
    }
  }
  pattern += RE2::QuoteMeta(rest);
  std::vector<std::string> values(names.size());
  std::vector<RE2::Arg> into(values.size());
  std::vector<const RE2::Arg*> pointers;
  for (std::size_t i = 0; i < values.size(); ++i) {
    into[i] = RE2::Arg(&values[i]);
    pointers.push_back(&into[i]);
  }
  if (!RE2::FullMatchN(actual, RE2(pattern), pointers.data(), static_cast<int>(pointers.size()))) return false;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!names[i].empty()) known_[names[i]] = values[i];
  return true;
}

void expectation::compare(const json& expected, const json& actual, const std::string& path, int depth) {
  if (depth > max_depth) throw std::runtime_error(path + " is too deep");
  if (const auto* members = expected.if_object(); members && actual.is_object()) {
    for (const auto& [name, value] : *members) {
      if (const auto* there = actual.find(name))
        compare(value, *there, path + "." + name, depth + 1);
      else
        found_.push_back(path + "." + name + " is missing; expected " + value.dump());
    }
    for (const auto& [name, value] : *actual.if_object())
      if (!expected.find(name)) found_.push_back(path + "." + name + " is not expected: " + value.dump());
    return;
  }
  if (expected.is_array() && actual.is_array()) {
    if (expected.size() != actual.size()) {
      found_.push_back(path + " has " + std::to_string(actual.size()) + " elements, expected " + std::to_string(expected.size()) + ": " +
                       actual.dump());
      return;
    }
    for (std::size_t i = 0; i < expected.size(); ++i) compare(expected[i], actual[i], path + "[" + std::to_string(i) + "]", depth + 1);
    return;
  }
  const auto* text = expected.if_string();
  const auto* number = actual.if_number();
  const bool same = text && actual.is_string()                                ? fits(*text, actual.str())
                    : text && number && text->find("{{") != std::string::npos ? fits(*text, number->text)
                                                                              : expected == actual;
  if (!same) found_.push_back(path + " is " + actual.dump() + ", expected " + expected.dump());
}

}  // namespace dsf::tests
