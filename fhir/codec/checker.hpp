// One walk over a resource along the model tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "fhir/codec/reading.hpp"
#include "fhir/model/model.hpp"

namespace dsf::fhir {

class checker {
public:
  explicit checker(const codec_limits& limits) : limits_(limits) {}
  void resource(const base::json& value, bool contained = false);
  [[nodiscard]] std::vector<issue> take() && { return std::move(issues_); }

private:
  struct step {
    std::string_view name;
    std::ptrdiff_t index;  // -1: not in an array
  };
  class scope;             // one step of the path while it lives
  struct progress;         // which elements of an object were seen

  void object(const type_info& type, const base::json::object& members, bool is_resource);
  void member(const type_info& type, const base::json::object& members, const base::json::member& m, progress& seen);
  void values(const element_info& element, const base::json::object& members, const base::json& value);
  void siblings(const element_info& element, const base::json::object& members, const base::json& value);
  void value(const element_info& element, const base::json& v);
  void primitive_value(const element_info& element, const base::json& v);
  void sibling(const base::json& v, bool has_value);
  void required_code(const element_info& element, std::string_view code);
  void finish(const type_info& type, const base::json::object& members, const progress& seen);

  [[nodiscard]] bool full() const { return issues_.size() >= limits_.issues; }
  void add(std::string_view code, std::string text, std::string_view child = {});
  [[nodiscard]] std::string path(std::string_view child) const;

  const codec_limits& limits_;
  std::vector<step> path_;
  std::vector<issue> issues_;
  std::size_t depth_ = 0;
};

// "a string", "an array", ... for messages.
std::string_view kind_of(const base::json& v);

}  // namespace dsf::fhir
