// Linked into dsfd_power beside dsfd's own main file: puts the disk of power_files.hpp below every database before main() begins.
#include <cstdlib>
#include <iostream>

#include "storage/rocks_kv.hpp"
#include "tests/power/control.hpp"

namespace {

const bool disk_is_in_place = [] {
  std::shared_ptr<dsf::tests::disk_events> events;
  if (const char* file = std::getenv(dsf::tests::power_control_variable)) {
    auto page = dsf::tests::open_control(file);
    if (!page) {
      std::cerr << "dsfd_power: " << page.error().to_string() << "\n";
      std::_Exit(2);
    }
    events = dsf::tests::events_of(std::move(*page));
  }
  dsf::storage::use_rocks_file_system(dsf::tests::power_files(std::move(events)));
  return true;
}();

}  // namespace
