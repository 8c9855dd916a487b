// Data that can be erased: a site's store on a disk, searched as a thief or an auditor would. Faults these find: a value or body that reaches a file, the
// log or a backup in clear, in whatever encoding; a key that is still in some file after it was deleted; a reader that has kept one.
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <optional>
#include <thread>

#include "base/bytes.hpp"
#include "storage/backup/backup.hpp"
#include "storage/erase.hpp"
#include "storage/instances/instance_codec.hpp"
#include "storage/record.hpp"
#include "storage/test_support.hpp"

using namespace dsf;
using namespace dsf::storage;
using namespace dsf::storage::test;
namespace fs = std::filesystem;

namespace {

const std::string marker = "Erika Mustermann, 1964-08-12, C50.9 zQ7";

std::string utf16(std::string_view text, bool big_endian) {
  std::string out;
  for (const char c : text) (out += big_endian ? '\0' : c) += big_endian ? c : '\0';
  return out;
}

std::string upper(std::string s) {
  std::ranges::transform(s, s.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return s;
}

// The digits that the text has in Base64 wherever it begins in a longer one.
std::string base64_inside(std::string_view text, std::size_t shift) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bits = std::string(shift, '\0') + std::string(text), out;
  std::uint32_t buffer = 0;
  int n = 0;
  for (const unsigned char c : bits) {
    buffer = buffer << 8 | c;
    for (n += 8; n >= 6; n -= 6) out += digits[buffer >> (n - 6) & 63];
  }
  return out.substr(shift == 0 ? 0 : shift + 1);  // without digits that also hold bits of what stands before
}

std::vector<std::string> forms(const std::string& text) {
  std::vector<std::string> out{text, utf16(text, false), utf16(text, true), base::to_hex(text), upper(base::to_hex(text))};
  for (std::size_t shift = 0; shift < 3; ++shift) out.push_back(base64_inside(text, shift));
  return out;
}

// Files as they are, and tables decompressed, with rows in them that nobody sees any more. None: a table
// went away meanwhile, or is not written to its end yet.
std::optional<std::vector<std::string>> contents_now(const fs::path& folder) {
  std::vector<std::string> out;
  std::vector<fs::path> files;
  std::error_code gone;
  for (fs::recursive_directory_iterator at(folder), end; at != end; at.increment(gone)) {
    if (at->is_regular_file(gone)) files.push_back(at->path());
    if (gone) return {};
  }
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return {};
    out.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    if (file.extension() != ".sst") continue;
    rocksdb::SstFileReader table{rocksdb::Options()};
    if (!table.Open(file.string()).ok()) return {};
    std::string all;
    const std::unique_ptr<rocksdb::Iterator> row(table.NewIterator(rocksdb::ReadOptions()));
    for (row->SeekToFirst(); row->Valid(); row->Next()) all += row->key().ToString() + row->value().ToString();
    out.push_back(std::move(all));
  }
  return out;
}

// The open store compacts behind our back: then all is read again.
std::vector<std::string> contents(const fs::path& folder) {
  for (int i = 0; i < 1'000; ++i) {
    if (auto all = contents_now(folder)) return *std::move(all);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  throw std::runtime_error("the files below " + folder.string() + " never stay the same");
}

bool found(const fs::path& folder, const std::string& text) {
  const auto wanted = forms(text);
  for (const auto& bytes : contents(folder))
    for (const auto& form : wanted)
      if (bytes.find(form) != std::string::npos) return true;
  return false;
}

put_resource resource(std::string type, base::uuid of, const std::string& text) {
  auto op = task(of, {}, {}, text);
  op.body.replace(op.body.find("Task"), 4, type);
  op.meta_at = static_cast<std::uint32_t>(op.body.find("\"meta\":{") + 8);
  op.type = std::move(type);
  return op;
}

constexpr std::uint64_t instance = 7;

// As the engine does it (actors/instance_host): a resource in a variable, a long text, a message with a long input, an output.
void write_instance(store& s) {
  const auto key = s.new_data_key();
  large_values aside(nullptr, [&] { return base::result<data_key>(key); });
  bpmn::event_batch batch{1, {5}, "c", "s", 1, {}};
  bpmn::events::variables_written written{1, {}};
  written.writes.push_back({"patient", bpmn::value(bpmn::fhir_resource{"Patient", "{\"name\":\"" + marker + "\"}"}), false});
  written.writes.push_back({"note", bpmn::value(std::string(5'000, ' ') + marker), false});
  batch.events.push_back({std::move(written)});
  auto content = std::make_shared<bpmn::outgoing_message>();
  content->additional_inputs = {"{\"valueString\":\"short\"}", "{\"valueString\":\"" + std::string(5'000, ' ') + marker + "\"}"};
  content->on_delivered = {{"t", {"{\"valueString\":\"" + marker + std::string(5'000, ' ') + "\"}"}, {}, {}, false}};
  bpmn::open_message message;
  message.id = 3;
  message.content = std::move(content);
  batch.events.push_back({bpmn::events::message_queued{std::move(message)}});
  const auto bytes = encode_batch(batch, aside);
  REQUIRE(bytes);
  CHECK(aside.references() == 4);
  commit c;
  c.operations.emplace_back(append_events{instance, 1, {*bytes}, std::nullopt});
  for (const auto& v : aside.to_put()) c.operations.emplace_back(*s.put_value(key, instance, v.sha256, v.bytes));
  c.operations.emplace_back(*s.put_data_key(key, keys::instance_data_key(instance)));
  REQUIRE(s.submit_wait(std::move(c)));
}

base::result<bpmn::event_batch> read_instance(const store& s) {
  const auto view = s.view();
  large_value_reader values("inst-7", view, instance);
  return decode_batch(view->instance_events(instance)->front().bytes, values);
}

}  // namespace

TEST_CASE("erasure: the search finds a text in whatever form it stands") {
  const temp_folder folder;
  const auto s = *open_folder(folder.path() / "store");
  for (const auto& form : forms(marker)) {
    CAPTURE(form.size());
    const auto row = put_row{table::timer, "row", "..." + form + std::string(300, 'x')};
    const temp_folder other;
    {
      const auto store = *open_folder(other.path() / "store");
      REQUIRE(store->submit_wait(commit_of(row)));
      CHECK(found(other.path(), marker));  // in the log
      REQUIRE(store->flush_and_compact(family::queue, {}));
      CHECK(found(other.path(), marker));  // in a compressed table
    }
  }
}

TEST_CASE("erasure: nothing that may be of a patient stands in clear in files, log or backup; without its key nobody reads it any more") {
  const temp_folder folder;
  const auto path = folder.path() / "store", early = folder.path() / "early", late = folder.path() / "late",
             again = folder.path() / "again";
  auto s = *open_folder(path);
  write_instance(*s);
  const std::vector<std::pair<std::string, base::uuid>> resources{
      {"Binary", id(1)}, {"QuestionnaireResponse", id(2)}, {"Task", id(3)}, {"Bundle", id(4)}};
  for (const auto& [type, of] : resources) {
    const auto text = (type == "Task" ? std::string(5'000, ' ') : std::string()) + marker;
    REQUIRE(s->submit_wait(commit_of(resource(type, of, "first " + text))));
    REQUIRE(s->submit_wait(commit_of(resource(type, of, "second " + text))));
  }
  // What is short, and what is of no patient, costs nothing.
  REQUIRE(s->submit_wait(commit_of(task(id(9)))));
  REQUIRE(s->submit_wait(commit_of(resource("Organization", id(10), "a clinic"))));
  CHECK(s->view()->rows(table::data_key, "", 100)->size() == 1 + resources.size());

  const auto check_readable = [&](const store& from) {
    REQUIRE(read_instance(from));
    for (const auto& [type, of] : resources) {
      const auto view = from.view();
      const auto now = *view->current(type, of);
      REQUIRE(now);
      CHECK_FALSE(now->deleted);
      CHECK(now->version == 2);
      CHECK(now->bytes->find("second ") != std::string::npos);
      CHECK(now->bytes->find("\"versionId\":\"2\"") != std::string::npos);
      CHECK(now->bytes->find(marker) != std::string::npos);
      CHECK((*view->version(type, of, 1))->bytes->find("first ") != std::string::npos);
      CHECK(view->history(type, of, 10)->size() == 2);
    }
  };
  check_readable(*s);
  const auto batch = *read_instance(*s);
  const auto& sent = *std::get<bpmn::events::message_queued>(batch.events[1].what).content.content;
  CHECK(sent.additional_inputs[0] == "{\"valueString\":\"short\"}");
  CHECK(sent.additional_inputs[1].find(marker) != std::string::npos);
  CHECK(sent.on_delivered[0].add_outputs[0].find(marker) != std::string::npos);

  CHECK_FALSE(found(folder.path(), marker));
  REQUIRE(s->flush_and_compact(family::pi, {}));
  CHECK_FALSE(found(folder.path(), marker));
  REQUIRE(back_up(*s, base::system_clock_source(), early, {}, {}));
  fs::copy(path, folder.path() / "copy", fs::copy_options::recursive);
  s.reset();
  s = *open_folder(path);
  check_readable(*s);

  std::vector<std::string> wrapped;
  const auto all_keys = *s->view()->rows(table::data_key, "", 100);
  for (const auto& row : all_keys) {
    wrapped.push_back(row.value);
    REQUIRE(s->submit_wait(commit_of(delete_row{table::data_key, row.key})));
  }
  const auto check_erased = [&](const store& from) {
    const auto gone = read_instance(from);
    REQUIRE_FALSE(gone);
    CHECK(gone.error().is(errc::erased));
    CHECK(gone.error().text().find("erased on purpose") != std::string::npos);
    // What happened is still told.
    CHECK(decode_batch_outline(from.view()->instance_events(instance)->front().bytes)->events.size() == 2);
    for (const auto& [type, of] : resources) {
      CHECK((*from.view()->current(type, of))->deleted);
      CHECK((*from.view()->current(type, of))->bytes == nullptr);
      CHECK((*from.view()->version(type, of, 1))->bytes == nullptr);
    }
  };
  check_erased(*s);
  const auto in_files = [&](const std::string& text) {
    const auto all = contents(path);
    return std::ranges::any_of(all, [&](const auto& bytes) { return bytes.find(text) != std::string::npos; });
  };
  CHECK(in_files(wrapped.front()));  // until the files are written anew
  REQUIRE(s->flush_and_compact(family::meta, key_range::prefix("K")));
  for (const auto& w : wrapped) CHECK_FALSE(in_files(w));
  check_erased(*s);

  // A new version goes under a new key; the old ones stay erased.
  REQUIRE(s->submit_wait(commit_of(resource("Binary", id(1), "third " + marker))));
  CHECK((*s->view()->current("Binary", id(1)))->bytes->find("third ") != std::string::npos);
  CHECK_FALSE(found(path, marker));
  s.reset();

  // Of the backup that was made before, nothing can be read either: its keys were never in it.
  REQUIRE(restore(early, again, {}, {}));
  check_erased(**open_folder(again));
}

TEST_CASE("erasure: a commit does not go under a key that was erased while it was made") {
  const auto s = open_memory(memory_kv::create());
  REQUIRE(s->submit_wait(commit_of(resource("Binary", id(1), "first"))));
  const auto row = keys::resource_data_key("Binary", id(1));
  // Sealed by submit() under the key that is there, and then the key goes, before the commit is applied: as if two threads raced.
  store_options o;
  o.rows = memory_kv::create();
  o.by_hand = true;
  const auto slow = *store::open(std::move(o));
  slow->submit(commit_of(resource("Binary", id(1), "first")), [](result<receipt> r) { CHECK(r); });
  while (slow->run_one_group()) {}
  result<receipt> second;
  slow->submit(commit_of(delete_row{table::data_key, row}), [](result<receipt> r) { CHECK(r); });
  slow->submit(commit_of(resource("Binary", id(1), "second")), [&](result<receipt> r) { second = std::move(r); });
  while (slow->run_one_group()) {}
  REQUIRE_FALSE(second);
  CHECK(second.error().is(errc::row_conflict));
}

TEST_CASE("erasure: a store whose data keys need another master key is not opened; one that has none gets one") {
  const temp_folder folder;
  const auto path = folder.path() / "store", key = path / "master.key";
  {
    const auto s = *open_folder(path);
    REQUIRE(s->submit_wait(commit_of(resource("Binary", id(1), "first"))));
  }
  fs::rename(key, folder.path() / "kept");
  CHECK(open_folder(path).error().is(errc::wrong_key));
  CHECK_FALSE(fs::exists(key));
  store_options o;
  o.path = path;
  o.master_key_file = folder.path() / "kept";
  CHECK(store::open(o));
  const auto other = folder.path() / "other";
  (void)*open_folder(other);
  fs::copy_file(other / "master.key", key);
  const auto refused = open_folder(path);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text().find("need the master key") != std::string::npos);
}

TEST_CASE("erasure: erasing an ended instance or a resource takes its key out of every file, and leaves all others") {
  const temp_folder folder;
  auto s = *open_folder(folder.path() / "store");
  write_instance(*s);
  REQUIRE(s->submit_wait(commit_of(resource("Binary", id(1), marker))));
  REQUIRE(s->submit_wait(commit_of(resource("Binary", id(2), marker))));
  const auto wrapped = [&](const std::string& row) { return **s->view()->row_value(table::data_key, row); };
  const auto of_instance = wrapped(keys::instance_data_key(instance)), of_one = wrapped(keys::resource_data_key("Binary", id(1)));

  const auto live = erase_instance(*s, instance);
  REQUIRE_FALSE(live);
  CHECK(live.error().is(base::errc::invalid_argument));
  REQUIRE(read_instance(*s));
  REQUIRE(s->submit_wait(commit_of(end_instance{instance})));
  REQUIRE(erase_instance(*s, instance));
  CHECK(read_instance(*s).error().is(errc::erased));
  REQUIRE(erase_resource(*s, "Binary", id(1)));
  CHECK((*s->view()->current("Binary", id(1)))->deleted);
  CHECK((*s->view()->current("Binary", id(2)))->bytes->find(marker) != std::string::npos);
  const auto files_hold = [&](const std::string& key) {
    const auto all = contents(folder.path());
    return std::ranges::any_of(all, [&](const auto& bytes) { return bytes.find(key) != std::string::npos; });
  };
  CHECK_FALSE(files_hold(of_instance));
  CHECK_FALSE(files_hold(of_one));
  CHECK(files_hold(wrapped(keys::resource_data_key("Binary", id(2)))));

  CHECK(erase_instance(*s, instance).error().is(errc::erased));
  CHECK(erase_resource(*s, "Binary", id(1)).error().is(errc::erased));
  CHECK(erase_instance(*s, 99).error().is(errc::not_found));
  CHECK(erase_resource(*s, "Binary", id(99)).error().is(errc::not_found));
}

TEST_CASE("erasure: a long Task is erased once it is finished, not before") {
  const auto s = open_memory(memory_kv::create());
  const auto with_status = [](const std::string& status) {
    auto op = task(id(1), {}, {}, std::string(5'000, 'x'));
    op.body.insert(op.body.size() - 1, ",\"status\":\"" + status + "\"");
    return op;
  };
  REQUIRE(s->submit_wait(commit_of(with_status("in-progress"))));
  CHECK(erase_resource(*s, "Task", id(1)).error().is(base::errc::invalid_argument));
  CHECK_FALSE((*s->view()->current("Task", id(1)))->deleted);
  REQUIRE(s->submit_wait(commit_of(with_status("completed"))));
  REQUIRE(erase_resource(*s, "Task", id(1)));
  CHECK((*s->view()->current("Task", id(1)))->deleted);
}
