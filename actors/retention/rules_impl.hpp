// One kind of thing that is removed by age: how it is found, whether it may go, and the commit that removes it. Private to actors/retention.
#pragma once

#include <memory>
#include <vector>

#include "actors/retention/sweep.hpp"

namespace dsf::actors {

struct candidate {
  std::uint64_t number = 0;  // grows in the order in which things were made: instance, ordinal
  base::uuid id;
  std::uint64_t version = 0;
  bool deleted = false;
  base::timestamp started;
  base::timestamp since;  // its age counts from here; 0: not yet
  bool has_data = true;
};

enum class verdict : std::uint8_t {
  done,  // nothing is left to remove
  young,  // not yet of age
  keep,  // of age, or as old, but needed
  due,
};

class retention_rule {
public:
  retention_rule(removal what, base::iso_duration age) : what_(what), age_(age) {}
  virtual ~retention_rule() = default;
  [[nodiscard]] removal what() const { return what_; }
  // In the order of their numbers, from `from` on.
  virtual base::result<std::vector<candidate>> read(const storage::store_view& view, std::uint64_t from, std::size_t limit) const = 0;
  // `removal` gets the commit when it is due.
  virtual base::result<verdict> judge(const storage::store_view& view, const candidate& c, base::timestamp now,
                                      storage::commit& removal) const = 0;

protected:
  [[nodiscard]] bool of_age(base::timestamp since, base::timestamp now) const;

private:
  removal what_;
  base::iso_duration age_;
};

std::unique_ptr<retention_rule> make_rule(removal what, base::iso_duration age);

}  // namespace dsf::actors
