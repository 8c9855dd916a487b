#include "tests/wire/wire_file.hpp"

#include <fstream>
#include <set>
#include <stdexcept>

namespace dsf::tests {
namespace {

const std::set<std::string> methods{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
const std::set<std::string> request_words{"as", "header", "body", "set", "remove", "append", "raw", "fill", "xml"};
const std::set<std::string> expected_words{"is", "no", "json", "text", "empty", "content", "save", "changed", "unchanged", "header"};

wire_line split(const std::string& line, int number) {
  const auto begin = line.find_first_not_of(" \t");
  const auto end = line.find_first_of(" \t", begin);
  const auto rest = end == line.npos ? line.npos : line.find_first_not_of(" \t", end);
  auto text = rest == line.npos ? std::string() : line.substr(rest);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.pop_back();
  return {number, line.substr(begin, end == line.npos ? end : end - begin), text};
}

}  // namespace

std::vector<wire_case> read_wire_file(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error(file + " can't be read");
  std::vector<wire_case> out;
  std::vector<wire_line> base;  // the request that `but` changes
  std::string text;
  bool expecting = true, changing = false;
  for (int number = 1; std::getline(in, text); ++number) {
    const auto wrong = [&](const std::string& why) { return std::runtime_error(file + ":" + std::to_string(number) + ": " + why); };
    const auto first = text.find_first_not_of(" \t\r");
    if (first == text.npos || text[first] == '#') continue;
    auto line = split(text, number);
    if (line.word == "case") {
      out.push_back({file, line.rest, number, {}});
      base.clear();
      expecting = true;
      changing = false;
      continue;
    }
    if (out.empty()) throw wrong("a case must begin before");
    auto& exchanges = out.back().exchanges;
    if (line.word == "expect" || line.word == "refused") {
      if (exchanges.empty() || expecting) throw wrong("no request stands before");
      exchanges.back().expected.push_back(line);
      if (!changing) base = exchanges.back().request;
      expecting = true;
      continue;
    }
    const bool but = line.word == "but";
    if (but) line = split(line.rest, number);
    const bool of_request = methods.contains(line.word) || request_words.contains(line.word);
    if (expecting && !but && expected_words.contains(line.word) && !exchanges.empty() && !exchanges.back().expected.empty() &&
        (line.word != "header" || line.rest.find(':') == line.rest.npos)) {
      exchanges.back().expected.push_back(line);
      continue;
    }
    if (!of_request) throw wrong("'" + line.word + "' is not known here");
    if (expecting) {
      if (but && base.empty()) throw wrong("nothing stands before that `but` could change");
      exchanges.push_back({but ? base : std::vector<wire_line>{}, {}});
      changing = but;
      expecting = false;
    }
    exchanges.back().request.push_back(line);
  }
  return out;
}

}  // namespace dsf::tests
