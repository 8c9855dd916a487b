// Values that are rows of their own (table V): what encoders put aside, and where decoders find it (docs/decisions/large-values.md).
// Only the whole content of a variable is looked at: a list or map moves out as one, its entries never do.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.hpp"
#include "bpmn/execution/state.hpp"
#include "storage/record.hpp"
#include "storage/view.hpp"

namespace dsf::storage {

// Encoded bytes above which a value is a row of V. Its row is then one that carries the number of a data key, see record.hpp.
inline constexpr std::size_t large_value_limit = keyed_value_bytes;

struct large_value {
  std::string sha256;  // its name, 32 bytes: SHA-256 of the bytes, or of an instance with a data key their keyed_name()
  std::string bytes;   // dsf.pb.Value
};

// Hashes of values whose rows are known to be stored. When it is full it forgets all: that costs rows written twice, which is harmless.
class stored_values {
public:
  static constexpr std::size_t limit = 1'024;
  [[nodiscard]] bool contains(const std::string& sha256) const { return hashes_.contains(sha256); }
  void add(std::string sha256);
  [[nodiscard]] std::size_t size() const { return hashes_.size(); }

private:
  std::unordered_set<std::string> hashes_;
};

// Collects what encoders put aside. The rows must be in the same commit as the bytes that refer to them, or stored already.
class large_values {
public:
  // The instance's data key, asked for when the first value is referred to.
  using key_source = std::function<base::result<data_key>()>;
  // Values of `known` are referred to but not collected. It must outlive this. With `key` whatever may carry data of patients is put aside, of any size.
  explicit large_values(const stored_values* known = nullptr, key_source key = {}) : known_(known), key_(std::move(key)) {}
  [[nodiscard]] bool takes_small_data() const { return static_cast<bool>(key_); }

  // A reference to this value is being written: its hash.
  std::string refer(std::string bytes);
  [[nodiscard]] std::size_t references() const { return references_; }
  // A reference stands for a text, not for a variable's content: only newer formats know that.
  void note_text() { ++texts_; }
  [[nodiscard]] std::size_t texts() const { return texts_; }
  // What a reader of all references has to load, were each value a row of its own.
  [[nodiscard]] std::uint64_t referred_bytes() const { return referred_bytes_; }
  // To be put, none twice.
  [[nodiscard]] const std::vector<large_value>& to_put() const { return to_put_; }
  std::vector<large_value> take_to_put();
  // The error of a hash that could not be computed.
  [[nodiscard]] base::result<> status() const;

private:
  base::result<std::string> name_of(std::string_view bytes);

  const stored_values* known_;
  key_source key_;
  std::optional<data_key> opened_;
  std::size_t texts_ = 0;
  std::vector<large_value> to_put_;
  std::unordered_set<std::string> collected_;
  std::optional<base::error> error_;
  std::size_t references_ = 0;
  std::uint64_t referred_bytes_ = 0;
};

// Finds the large values of one instance. Each row is read and checked once; who refers to it twice shares the value.
class large_value_reader {
public:
  // The row's content, opened; nothing if there is no such row.
  using source = std::function<base::result<std::optional<instance_value>>(std::string_view name)>;
  // `instance`: its name in errors.
  large_value_reader(std::string instance, source read) : instance_(std::move(instance)), read_(std::move(read)) {}
  // Rows of a store.
  large_value_reader(std::string name, std::shared_ptr<const store_view> view, std::uint64_t instance);

  // Errors: damaged, naming instance and hash, if the row is missing or its content is not what the reference says; the source's own.
  base::result<bpmn::shared_value> find(const std::string& sha256, std::uint64_t size);
  // Of all references found so far, as large_values::referred_bytes().
  [[nodiscard]] std::uint64_t referred_bytes() const { return referred_bytes_; }
  // For looking at what is left, or ending it: in place of what was erased stands a text that says so, which is JSON too.
  void stand_in_for_erased() { stands_in_ = true; }
  // Tells which rows are stored.
  void add_to(stored_values& known) const;

private:
  std::string instance_;
  source read_;
  struct entry {
    bpmn::shared_value content;
    std::uint64_t size = 0;
  };
  std::unordered_map<std::string, entry> found_;
  std::uint64_t referred_bytes_ = 0;
  bool stands_in_ = false;
};

}  // namespace dsf::storage
