// An order for each type that is asked for, as an endpoint keeps one for Tasks.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "storage/ordered_index.hpp"

namespace dsf::storage::test {

class orders {
public:
  explicit orders(store& of) : store_(&of) {}
  std::shared_ptr<ordered_index> operator()(std::string_view type) {
    auto& one = of_[std::string(type)];
    if (!one) one = std::make_shared<ordered_index>(*store_, std::string(type), "status", [](const auto& job) { job(); });
    return one;
  }

private:
  store* store_;
  std::map<std::string, std::shared_ptr<ordered_index>> of_;
};

}  // namespace dsf::storage::test
