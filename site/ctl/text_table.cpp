#include "site/ctl/text_table.hpp"

#include <algorithm>

namespace dsf::site {
namespace {

constexpr std::size_t least_width = 6;  // a column is not cut below this
constexpr std::string_view gap = "  ";

std::string without_controls(std::string text) {
  for (auto& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

bool starts_code_point(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

}  // namespace

std::size_t text_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_code_point));
}

std::string cut_to(std::string_view text, std::size_t width) {
  if (text_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::size_t bytes = 0, columns = 0;
  while (bytes < text.size()) {
    if (starts_code_point(text[bytes]) && ++columns == width) break;
    ++bytes;
  }
  return std::string(text.substr(0, bytes)) + "…";
}

text_table::text_table(std::vector<std::string> headers) : headers_(std::move(headers)), right_(headers_.size(), false) {}

void text_table::add(std::vector<std::string> cells) {
  cells.resize(headers_.size());
  for (auto& cell : cells) cell = without_controls(std::move(cell));
  rows_.push_back(std::move(cells));
}

void text_table::align_right(std::size_t column) { right_.at(column) = true; }

std::string text_table::str(std::size_t width) const {
  std::vector<std::size_t> widths;
  for (const auto& h : headers_) widths.push_back(text_width(h));
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], text_width(row[i]));

  if (width > 0) {
    auto total = [&] {
      std::size_t sum = gap.size() * (widths.size() - 1);
      for (auto w : widths) sum += w;
      return sum;
    };
    while (total() > width) {
      const auto widest = std::max_element(widths.begin(), widths.end());
      if (*widest <= least_width) break;
      --*widest;
    }
  }

  std::string out;
  auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const auto cell = cut_to(cells[i], widths[i]);
      const std::string padding(widths[i] - std::min(widths[i], text_width(cell)), ' ');
      if (i > 0) text += gap;
      text += right_[i] ? padding + cell : cell + padding;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line(headers_);
  for (const auto& row : rows_) line(row);
  return out;
}

}  // namespace dsf::site
