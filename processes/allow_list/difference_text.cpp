// A difference for people: in the log, in the Task and as dsfctl prints it.
#include <array>

#include "processes/allow_list/difference.hpp"

namespace dsf::processes::allow_list {
namespace {

using base::json;

constexpr std::array<std::pair<const char*, const char*>, 3> marks = {{{"added", "+ "}, {"changed", "~ "}, {"removed", "- "}}};
constexpr std::size_t max_value = 120;  // bytes of a value in a line

std::string short_text(const json& v) {
  auto out = v.is_null() ? std::string("nothing") : v.is_string() ? "'" + v.str() + "'" : v.dump();
  if (out.size() > max_value) out = out.substr(0, max_value) + "...";
  return out;
}

std::string what(const char* singular, const json& line) {
  std::string out = singular;
  if (!line["parent"].str().empty())
    return out + " of " + line["organization"].str() + " to " + line["parent"].str() + " at " + line["endpoint"].str();
  out += " " + line["identifier"].str();
  if (!line["address"].str().empty()) return out + " at " + line["address"].str();
  return line["name"].str().empty() ? out : out + " (" + line["name"].str() + ")";
}

std::string counted(std::size_t n, const char* singular) { return std::to_string(n) + " " + singular + (n == 1 ? "" : "s"); }

constexpr std::array<std::pair<const char*, const char*>, 3> groups = {
    {{"organizations", "organization"}, {"endpoints", "endpoint"}, {"affiliations", "affiliation"}}};

}  // namespace

std::vector<std::string> lines_of(const json& difference) {
  std::vector<std::string> out;
  for (const auto& [group, singular] : groups)
    for (const auto& [how, mark] : marks)
      for (const auto& line : difference[group][how]) {
        auto text = mark + what(singular, line);
        std::string changes;
        for (const auto& c : line["changes"]) {
          const auto& element = c["element"].str();
          if (element == "certificate-thumbprint") continue;  // a line of its own below
          changes += (changes.empty() ? ": " : ", ") + element + " " + short_text(c["before"]) + " -> " + short_text(c["after"]);
        }
        if (std::string_view(how) == "changed" && changes.empty()) continue;
        out.push_back(text + changes);
      }
  for (const auto& [how, mark] : marks) {
    for (const auto& t : difference["thumbprints"][how])
      out.push_back(mark + std::string("thumbprint of ") + t["organization"].str() + " " + t["thumbprint"].str());
    for (const auto& r : difference["roles"][how])
      out.push_back(mark + std::string("role ") + r["role"].str() + " of " + r["organization"].str() + " in " + r["parent"].str());
  }
  return out;
}

std::string summary_of(const json& difference) {
  std::string out;
  const auto add = [&](const char* group, const char* singular) {
    for (const auto& [how, mark] : marks)
      if (const auto n = difference[group][how].size(); n > 0) out += (out.empty() ? "" : ", ") + counted(n, singular) + " " + how;
  };
  for (const auto& [group, singular] : groups) add(group, singular);
  add("thumbprints", "thumbprint");
  add("roles", "role");
  return out.empty() ? "no difference" : out;
}

}  // namespace dsf::processes::allow_list
