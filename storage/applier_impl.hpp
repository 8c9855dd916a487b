// The commit thread's core: checks a commit against everything before it and turns it into rows. No thread, no clock: applying the same commits with
// the same sequences and times to equal stores gives equal stores.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "storage/class_names.hpp"
#include "storage/commit.hpp"
#include "storage/feed.hpp"
#include "storage/index_changes.hpp"
#include "storage/keys.hpp"
#include "storage/kv.hpp"
#include "storage/record.hpp"
#include "storage/row_cache.hpp"

namespace dsf::storage {

// Checks that need nothing but the commit; on the submitting thread. `internal`: rows below "store/" are allowed.
result<void> validate(const commit& c, bool internal);
// A read that failed while a commit was checked: the store can't go on, as opposed to a commit that is refused.
bool is_fatal(const base::error& e);

inline constexpr std::string_view own_rows = "store/";  // M rows of the store itself
inline constexpr std::string_view cursor_rows = "cursor/";

class applier {
public:
  struct position {
    std::uint64_t sequence = 0;
    base::timestamp time;
  };

  applier(const kv_reader& rows, position last, std::shared_ptr<class_names> classes, std::size_t cache_bytes,
          std::size_t changes_remembered);

  // Appends the commit's rows to `batch`, or leaves it as it was and says why. `entry` is what the feed gets.
  result<receipt> apply(const commit& c, base::timestamp now, write_batch& batch, feed_entry& entry);
  // The batch was written: forgets what only served to look through it.
  void end_of_group();
  position last() const { return last_; }

private:
  struct instance_state {
    std::uint64_t last_event = 0;
    bool known = false;  // has rows
    bool journal = false;  // may have rows of the journal
    instance_head head;
  };
  using ordinal_map = string_map<std::uint32_t>;
  struct slot_undo {
    row_cache::slot* slot;
    row_cache::slot before;
  };
  struct instance_undo {
    instance_state* state;
    instance_state before;
  };
  struct ordinal_undo {
    std::uint32_t* next;
    std::uint32_t before;
  };
  using row_map = std::map<std::string, bool, std::less<>>;
  struct row_undo {
    row_map::iterator row;
    std::optional<bool> before;
  };
  using undo = std::variant<slot_undo, instance_undo, ordinal_undo, row_undo>;

  // One commit under way.
  struct work {
    const commit& c;
    write_batch& batch;
    feed_entry& entry;
    receipt& out;
    std::uint64_t sequence;
    base::timestamp time;  // of the next version
    std::uint16_t inbox_rows = 0;
  };

  result<void> check(const precondition& p);
  result<void> check(const version_is& p);
  result<void> check(const absent& p);
  result<void> check(const instance_at& p);
  result<void> check(const unchanged& p);
  result<void> check(const row_is& p);

  result<void> perform(work& w, const put_resource& op);
  result<void> perform(work& w, const delete_resource& op);
  result<void> perform(work& w, const purge_resource& op);
  result<void> perform(work& w, const append_events& op);
  result<void> perform(work& w, const end_instance& op);
  result<void> perform(work& w, const forget_instance& op);
  result<void> perform(work& w, const put_row& op);
  result<void> perform(work& w, const delete_row& op);
  result<void> perform(work& w, const put_inbox& op);

  // The first ordinal of the type that was never given.
  result<std::uint32_t*> next_ordinal(std::string_view type);
  result<std::uint32_t> take_ordinal(std::string_view type);
  result<void> take_unique(work& w, const put_resource& op, const key_list& before);
  void diff_index(work& w, std::string_view type, std::uint32_t ordinal, const std::vector<fhir::index_entry>& now, const key_list& before);
  void keep_version(work& w, std::string_view type, base::uuid id, const record& old);
  void date_version(work& w, std::string_view type, base::uuid id, const record& r);
  result<void> undate_versions(work& w, std::string_view type, base::uuid id, const record& head);
  void replace(row_cache::slot& s, bool present, std::string value);
  result<instance_state*> load_instance(std::uint64_t instance);
  // Erases the stored rows of a table that start with `prefix`, and those that this group has put.
  result<void> erase_rows(work& w, table in, std::string_view prefix);
  void note_row(work& w, table in, std::string key, bool exists);
  void note_table(work& w, table in);
  result<void> intern_classes(const commit& c, write_batch& batch);
  void undo_all();
  void note_changes(const work& w);

  const kv_reader* rows_;
  position last_;
  std::shared_ptr<class_names> classes_;
  row_cache cache_;
  index_changes changes_;
  ordinal_map ordinals_;
  std::unordered_map<std::uint64_t, instance_state> instances_;
  std::unordered_map<std::uint64_t, instance_state> instances_before_;
  row_map group_rows_;  // rows put (true) or deleted by the group under way
  // Times of the versions that the group under way has put or moved, by their key of H; with those of refused commits, which name rows that are not there.
  std::map<std::string, base::timestamp, std::less<>> group_versions_;
  std::vector<undo> undo_;
  struct changed_entry {
    std::string_view type, parameter, value;
  };
  std::vector<changed_entry> changed_;  // of the commit under way; views into it and into undo_
  std::string key_;  // scratch
};

}  // namespace dsf::storage
