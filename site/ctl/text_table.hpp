// Tables for people: aligned columns, cut to the terminal's width.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dsf::site {

class text_table {
public:
  explicit text_table(std::vector<std::string> headers);
  // Missing cells are empty. Control characters are shown as blanks: what a partner sent must not move the cursor.
  void add(std::vector<std::string> cells);
  // `right` columns hold numbers.
  void align_right(std::size_t column);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  // With a header line; `width` 0: as wide as it is.
  [[nodiscard]] std::string str(std::size_t width) const;

private:
  std::vector<std::string> headers_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

// Columns a UTF-8 text takes, a code point each.
std::size_t text_width(std::string_view text);
// At most `width` columns; what was cut ends in an ellipsis.
std::string cut_to(std::string_view text, std::size_t width);

}  // namespace dsf::site
