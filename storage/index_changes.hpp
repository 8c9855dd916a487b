// Which index entries changed lately, so that a conditional interaction can tell whether what it searched is still so.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "storage/row_cache.hpp"

namespace dsf::storage {

// For each parameter the sequence of its last change; single values only for parameters that were asked for, since keeping them costs more. The first
// question about a parameter may thus be refused though its range did not change; the caller prepares again and is then answered exactly.
class index_changes {
public:
  // Nothing is known about what happened up to `sequence`.
  explicit index_changes(std::uint64_t sequence, std::size_t remembered) : start_(sequence), remembered_(remembered) {}

  void type_written(std::string_view type, std::uint64_t sequence);
  void entry_changed(std::string_view type, std::string_view parameter, std::string_view value, std::uint64_t sequence);
  // True if certainly no entry with from <= value < to changed after `since`.
  bool holds(std::string_view type, std::string_view parameter, std::string_view from, std::string_view to, std::uint64_t since);

private:
  struct parameter_changes {
    std::uint64_t last = 0;
    bool tracked = false;
    std::uint64_t tracked_from = 0;  // values changed after this are all in `values`
    std::map<std::string, std::uint64_t, std::less<>> values;
  };
  struct remembered {
    parameter_changes* parameter;
    std::map<std::string, std::uint64_t, std::less<>>::iterator value;
    std::uint64_t sequence;
  };
  parameter_changes& of(std::string_view type, std::string_view parameter);

  std::uint64_t start_;
  std::size_t remembered_;
  std::string name_;  // scratch
  string_map<parameter_changes> parameters_;
  std::deque<remembered> order_;
};

}  // namespace dsf::storage
