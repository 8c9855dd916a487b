#include "fhir/path/pattern.hpp"

#include <re2/re2.h>

#include <array>
#include <vector>

namespace dsf::fhir::path {
namespace {

constexpr std::int64_t max_program_bytes = 1 << 20;
constexpr int max_groups = 32;

re2::RE2::Options options() {
  re2::RE2::Options o;
  o.set_log_errors(false);
  o.set_dot_nl(true);  // the text is one line (N1, 5.6.8)
  o.set_max_mem(max_program_bytes);
  return o;
}

re2::StringPiece piece(std::string_view s) { return {s.data(), s.size()}; }

class re2_pattern final : public pattern {
public:
  re2_pattern(std::string_view text, bool whole) : re_(piece(text), options()), whole_(whole) {
    if (!re_.ok())
      fault_ = re_.error();
    else if (re_.NumberOfCapturingGroups() >= max_groups)
      fault_ = "too many groups";
  }

  const std::string& fault() const override { return fault_; }

  bool matches(std::string_view text) const override {
    return re_.Match(piece(text), 0, text.size(), whole_ ? re2::RE2::ANCHOR_BOTH : re2::RE2::UNANCHORED, nullptr, 0);
  }

  bool replace_all(std::string_view text, std::string_view substitution, std::size_t most, std::string& out) const override {
    std::array<re2::StringPiece, max_groups> groups;
    const int count = re_.NumberOfCapturingGroups() + 1;
    std::size_t at = 0;
    while (at <= text.size() && re_.Match(piece(text), at, text.size(), re2::RE2::UNANCHORED, groups.data(), count)) {
      const auto start = static_cast<std::size_t>(groups[0].data() - text.data());
      out += text.substr(at, start - at);
      substitute(substitution, groups, count, out);
      at = start + groups[0].size();
      if (groups[0].empty()) {  // an empty match moves on by one character
        if (at < text.size()) out += text[at];
        for (++at; at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80; ++at) out += text[at];
      }
      if (out.size() > most) return false;
    }
    if (at < text.size()) out += text.substr(at);
    return out.size() <= most;
  }

private:
  void substitute(std::string_view with, const std::array<re2::StringPiece, max_groups>& groups, int count, std::string& out) const {
    for (std::size_t i = 0; i < with.size(); ++i) {
      if (with[i] != '$' || i + 1 >= with.size()) {
        out += with[i];
        continue;
      }
      int group = -1;
      std::size_t end = i + 1;
      if (with[end] == '$') {
        out += '$';
        i = end;
        continue;
      }
      if (with[end] == '{') {
        const auto close = with.find('}', end);
        if (close != with.npos) {
          const auto& names = re_.NamedCapturingGroups();
          const auto it = names.find(std::string(with.substr(end + 1, close - end - 1)));
          if (it != names.end()) group = it->second;
          end = close;
        }
      } else if (with[end] >= '0' && with[end] <= '9') {
        group = with[end] - '0';
      }
      if (group < 0) {
        out += '$';
        continue;
      }
      if (group < count && groups[static_cast<std::size_t>(group)].data())
        out.append(groups[static_cast<std::size_t>(group)].data(), groups[static_cast<std::size_t>(group)].size());
      i = end;
    }
  }

  re2::RE2 re_;
  bool whole_;
  std::string fault_;
};

}  // namespace

std::shared_ptr<const pattern> pattern::compile(std::string_view text, bool whole_match) {
  return std::make_shared<re2_pattern>(text, whole_match);
}

}  // namespace dsf::fhir::path
