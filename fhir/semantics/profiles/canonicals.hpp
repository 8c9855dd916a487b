// Conformance resources by canonical. One without a version means the newest that is here.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace dsf::fhir {

class canonical_map {
public:
  using map = std::map<std::string, base::json, std::less<>>;  // "url|version"

  void add(base::json resource);
  void remove(const base::json& resource);
  // By url or url|version; null if it is not here. v1-era names of the Task profile find today's (dsf-bpe 1.1, 3.6).
  const base::json* find(std::string_view canonical) const;
  map::const_iterator begin() const { return all_.begin(); }
  map::const_iterator end() const { return all_.end(); }
  // Calls put(key) with "url|version", and with "url" if this is the newest of its versions.
  void names_of(const std::string& key, const std::function<void(const std::string&)>& put) const;

  // Today's name of a profile that was renamed; otherwise `url`.
  static std::string_view current_name(std::string_view url);

private:
  map all_;
};

}  // namespace dsf::fhir
