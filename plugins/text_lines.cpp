#include "plugins/text_lines.hpp"

#include <charconv>
#include <map>
#include <string>
#include <vector>

namespace dsf::plugins {
namespace {

struct step {
  std::string name;
  std::size_t index = 0;
};

// "Task.input[2].type" -> input 2, type 0. The resource's own name comes first and is left out.
std::vector<step> steps_of(std::string_view expression) {
  std::vector<step> out;
  for (std::size_t from = 0; from < expression.size();) {
    const auto end = std::min(expression.find('.', from), expression.size());
    auto part = expression.substr(from, end - from);
    step s;
    if (const auto open = part.find('['); open != std::string_view::npos) {
      std::from_chars(part.data() + open + 1, part.data() + part.size(), s.index);
      part = part.substr(0, open);
    }
    s.name = part;
    out.push_back(std::move(s));
    from = end + 1;
  }
  if (!out.empty() && !out[0].name.empty() && out[0].name[0] >= 'A' && out[0].name[0] <= 'Z') out.erase(out.begin());
  return out;
}

// Follows the parser down: `enter` and `leave` in document order.
class follower {
public:
  explicit follower(std::vector<step> wanted) : wanted_(std::move(wanted)) {}
  void enter(std::string_view name, std::size_t index, int line) {
    if (matched_ == depth_ && matched_ < wanted_.size() && wanted_[matched_].name == name && wanted_[matched_].index == index) {
      ++matched_;
      if (matched_ > best_) {
        best_ = matched_;
        line_ = line;
      }
    }
    ++depth_;
  }
  void leave() {
    if (depth_ == 0) return;
    --depth_;
    if (matched_ > depth_) matched_ = depth_;
  }
  [[nodiscard]] bool done() const { return best_ == wanted_.size(); }
  [[nodiscard]] int line() const { return line_; }

private:
  std::vector<step> wanted_;
  std::size_t depth_ = 0, matched_ = 0, best_ = 0;
  int line_ = 1;
};

std::size_t end_of_string(std::string_view text, std::size_t at, int& line) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
    if (at < text.size() && text[at] == '\n') ++line;
  }
  return at;
}

void follow_json(std::string_view text, follower& f) {
  struct level {
    bool array = false;
    std::string name;       // of the array
    std::size_t index = 0;
  };
  std::vector<level> levels;
  std::string name;  // member whose value comes next
  int line = 1;
  for (std::size_t at = 0; at < text.size() && !f.done(); ++at) {
    const char c = text[at];
    if (c == '\n') {
      ++line;
    } else if (c == '"') {
      const int here = line;
      const auto end = end_of_string(text, at, line);
      const auto word = text.substr(at + 1, end > at ? end - at - 1 : 0);
      at = end;
      auto after = at + 1;
      while (after < text.size() && (text[after] == ' ' || text[after] == '\t' || text[after] == '\r' || text[after] == '\n')) ++after;
      if (after < text.size() && text[after] == ':' && !levels.empty() && !levels.back().array) {
        name = word;
        f.enter(name, 0, here);  // a plain value, or the first element; later ones are told apart below
        f.leave();
      }
    } else if (c == '{') {
      if (!levels.empty() && levels.back().array)
        f.enter(levels.back().name, levels.back().index++, line);
      else if (!levels.empty())
        f.enter(name, 0, line);
      levels.push_back({});
    } else if (c == '[') {
      levels.push_back({true, name, 0});
    } else if ((c == '}' || c == ']') && !levels.empty()) {
      const bool array = levels.back().array;
      levels.pop_back();
      if (!array && !levels.empty()) f.leave();
    }
  }
}

void follow_xml(std::string_view text, follower& f) {
  std::vector<std::map<std::string, std::size_t, std::less<>>> counts;
  int line = 1;
  bool root = true;
  for (std::size_t at = 0; at < text.size() && !f.done(); ++at) {
    if (text[at] == '\n') ++line;
    if (text[at] != '<') continue;
    auto end = text.substr(at).starts_with("<!--") ? text.find("-->", at) : text.find('>', at);
    if (end == std::string_view::npos) return;
    if (text.substr(at).starts_with("<!--")) end += 2;
    const auto tag = text.substr(at + 1, end - at - 1);
    const int here = line;
    for (const char c : tag) line += c == '\n';
    at = end;
    if (tag.empty() || tag[0] == '?' || tag[0] == '!') continue;
    if (tag[0] == '/') {
      if (counts.size() > 1) f.leave();
      if (!counts.empty()) counts.pop_back();
      continue;
    }
    const auto name = tag.substr(0, tag.find_first_of(" \t\r\n/"));
    if (!root && !counts.empty()) f.enter(name, counts.back()[std::string(name)]++, here);
    const bool closed = tag.back() == '/';
    if (closed && !root) f.leave();
    if (!closed) counts.emplace_back();
    root = false;
  }
}

}  // namespace

int line_of(std::string_view text, std::string_view expression) {
  follower f(steps_of(expression));
  const auto first = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  if (first == std::string_view::npos) return 1;
  if (text[first] == '<')
    follow_xml(text, f);
  else
    follow_json(text, f);
  return f.line();
}

}  // namespace dsf::plugins
