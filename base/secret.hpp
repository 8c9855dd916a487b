// A password or key text. It has no formatting, so it can't reach a log by accident.
#pragma once

#include <string>

namespace dsf::base {

class secret {
public:
  secret() = default;
  explicit secret(std::string text) : text_(std::move(text)) {}
  secret(const secret&) = default;
  secret& operator=(const secret&) = default;
  ~secret() {
    volatile char* p = text_.data();
    for (std::size_t i = 0; i < text_.size(); ++i) p[i] = 0;
  }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  // Names the place where the secret is used in clear.
  [[nodiscard]] const std::string& reveal() const noexcept { return text_; }

private:
  std::string text_;
};

}  // namespace dsf::base
