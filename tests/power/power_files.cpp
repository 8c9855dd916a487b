#include "tests/power/power_files.hpp"

#include <rocksdb/file_system.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "tests/power/volatile_names_impl.hpp"

namespace dsf::tests {
namespace {

using namespace rocksdb;

std::string normal(const std::string& path) {
  auto p = std::filesystem::path(path).lexically_normal();
  if (!p.has_filename()) p = p.parent_path();
  return p.string();
}

// RocksDB's information log, and the lock.
bool is_machines(const std::string& path) {
  const auto name = std::filesystem::path(path).filename().string();
  return name == "LOCK" || name == "LOG" || name.starts_with("LOG.old");
}

struct disk {
  std::shared_ptr<disk_events> events;
  volatile_names names;

  static IOStatus status(const disk_answer& a, const std::string& file) {
    switch (a.is) {
      case disk_answer::well: break;
      case disk_answer::full: return IOStatus::NoSpace(file, "no space left on the test's disk");
      case disk_answer::error: return IOStatus::IOError(file, "the test's disk has a fault");
      case disk_answer::cut: ::raise(SIGKILL);
    }
    return IOStatus::OK();
  }
  IOStatus before_name(const std::string& name) const { return events ? status(events->before_name(name), name) : IOStatus::OK(); }
  IOStatus before_read(const std::string& name) const { return events ? status(events->before_read(name), name) : IOStatus::OK(); }
};

class written_file final : public FSWritableFile {
public:
  written_file(std::shared_ptr<disk> d, std::string name, std::shared_ptr<volatile_file> f, const FileOptions& o)
      : FSWritableFile(o), disk_(std::move(d)), name_(std::move(name)), file_(std::move(f)) {}

  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    const disk_answer a = disk_->events ? disk_->events->before_append(name_, {data.data(), data.size()}) : disk_answer{};
    const auto taken = a.is == disk_answer::well ? data.size() : static_cast<std::size_t>(static_cast<double>(data.size()) * a.part);
    file_->append(data.data(), taken);
    return disk::status(a, name_);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions&, IODebugContext*) override { return file_->truncate(size); }
  // What was not synced stays volatile.
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    const disk_answer a = disk_->events ? disk_->events->before_sync(name_) : disk_answer{};
    if (a.is != disk_answer::well) {
      if (a.part > 0) file_->sync(a.part).PermitUncheckedError();
      return disk::status(a, name_);
    }
    const auto s = file_->sync();
    if (s.ok() && disk_->events) disk_->events->after_sync(name_);
    return s;
  }
  IOStatus Fsync(const IOOptions& o, IODebugContext* d) override { return Sync(o, d); }
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  bool IsSyncThreadSafe() const override { return true; }
  std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return file_->size(); }

private:
  std::shared_ptr<disk> disk_;
  std::string name_;
  std::shared_ptr<volatile_file> file_;
};

IOStatus read_from(const disk& d, const std::string& name, const volatile_file& file, std::uint64_t offset, std::size_t n, Slice* result,
                   char* scratch) {
  if (const auto s = d.before_read(name); !s.ok()) return s;
  std::size_t done = 0;
  const auto s = file.read(offset, n, scratch, done);
  *result = Slice(scratch, s.ok() ? done : 0);
  return s;
}

class read_in_order final : public FSSequentialFile {
public:
  read_in_order(std::shared_ptr<disk> d, std::string name, std::shared_ptr<volatile_file> f)
      : disk_(std::move(d)), name_(std::move(name)), file_(std::move(f)) {}
  IOStatus Read(std::size_t n, const IOOptions&, Slice* result, char* scratch, IODebugContext*) override {
    const auto s = read_from(*disk_, name_, *file_, at_, n, result, scratch);
    at_ += result->size();
    return s;
  }
  IOStatus Skip(std::uint64_t n) override {
    at_ += n;
    return IOStatus::OK();
  }

private:
  std::shared_ptr<disk> disk_;
  std::string name_;
  std::shared_ptr<volatile_file> file_;
  std::uint64_t at_ = 0;
};

class read_anywhere final : public FSRandomAccessFile {
public:
  read_anywhere(std::shared_ptr<disk> d, std::string name, std::shared_ptr<volatile_file> f)
      : disk_(std::move(d)), name_(std::move(name)), file_(std::move(f)) {}
  IOStatus Read(std::uint64_t offset, std::size_t n, const IOOptions&, Slice* result, char* scratch, IODebugContext*) const override {
    return read_from(*disk_, name_, *file_, offset, n, result, scratch);
  }

private:
  std::shared_ptr<disk> disk_;
  std::string name_;
  std::shared_ptr<volatile_file> file_;
};

class synced_folder final : public FSDirectory {
public:
  synced_folder(std::shared_ptr<disk> d, std::string name) : disk_(std::move(d)), name_(std::move(name)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    if (const auto s = disk_->before_name(name_); !s.ok()) return s;
    return disk_->names.publish(name_);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

private:
  std::shared_ptr<disk> disk_;
  std::string name_;
};

class power_file_system final : public FileSystemWrapper {
public:
  explicit power_file_system(std::shared_ptr<disk_events> events)
      : FileSystemWrapper(FileSystem::Default()), disk_(std::make_shared<disk>()) {
    disk_->events = std::move(events);
  }
  const char* Name() const override { return "power_file_system"; }

  IOStatus NewSequentialFile(const std::string& fname, const FileOptions& o, std::unique_ptr<FSSequentialFile>* out,
                             IODebugContext* d) override {
    if (is_machines(fname)) return target_->NewSequentialFile(fname, o, out, d);
    if (unsupported(o)) return IOStatus::NotSupported("mapped files and direct I/O on the test's disk");
    const auto name = normal(fname);
    std::shared_ptr<volatile_file> file;
    if (const auto s = open_to_read(name, file); !s.ok()) return s;
    *out = std::make_unique<read_in_order>(disk_, name, std::move(file));
    return IOStatus::OK();
  }
  IOStatus NewRandomAccessFile(const std::string& fname, const FileOptions& o, std::unique_ptr<FSRandomAccessFile>* out,
                               IODebugContext*) override {
    if (unsupported(o)) return IOStatus::NotSupported("mapped files and direct I/O on the test's disk");
    const auto name = normal(fname);
    std::shared_ptr<volatile_file> file;
    if (const auto s = open_to_read(name, file); !s.ok()) return s;
    *out = std::make_unique<read_anywhere>(disk_, name, std::move(file));
    return IOStatus::OK();
  }
  IOStatus NewWritableFile(const std::string& fname, const FileOptions& o, std::unique_ptr<FSWritableFile>* out, IODebugContext*) override {
    return open_to_write(fname, o, true, out);
  }
  IOStatus ReopenWritableFile(const std::string& fname, const FileOptions& o, std::unique_ptr<FSWritableFile>* out,
                              IODebugContext*) override {
    return open_to_write(fname, o, false, out);
  }
  IOStatus ReuseWritableFile(const std::string&, const std::string&, const FileOptions&, std::unique_ptr<FSWritableFile>*,
                             IODebugContext*) override {
    return IOStatus::NotSupported("re-used files on the test's disk");
  }
  IOStatus NewRandomRWFile(const std::string&, const FileOptions&, std::unique_ptr<FSRandomRWFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("files for reading and writing on the test's disk");
  }
  IOStatus NewMemoryMappedFileBuffer(const std::string&, std::unique_ptr<MemoryMappedFileBuffer>*) override {
    return IOStatus::NotSupported("mapped files on the test's disk");
  }
  IOStatus LinkFile(const std::string&, const std::string&, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("links on the test's disk");
  }
  IOStatus NewDirectory(const std::string& name, const IOOptions& o, std::unique_ptr<FSDirectory>* out, IODebugContext* d) override {
    std::unique_ptr<FSDirectory> there;
    if (const auto s = target_->NewDirectory(name, o, &there, d); !s.ok()) return s;
    *out = std::make_unique<synced_folder>(disk_, normal(name));
    return IOStatus::OK();
  }
  IOStatus FileExists(const std::string& fname, const IOOptions& o, IODebugContext* d) override {
    const auto name = normal(fname);
    struct stat info{};
    if (is_machines(name) || (::stat(name.c_str(), &info) == 0 && S_ISDIR(info.st_mode))) return target_->FileExists(fname, o, d);
    return disk_->names.exists(name) ? IOStatus::OK() : IOStatus::NotFound(fname);
  }
  IOStatus GetChildren(const std::string& folder, const IOOptions& o, std::vector<std::string>* out, IODebugContext* d) override {
    if (const auto s = target_->GetChildren(folder, o, out, d); !s.ok()) return s;
    disk_->names.correct_listing(normal(folder), *out);
    return IOStatus::OK();
  }
  IOStatus GetChildrenFileAttributes(const std::string& folder, const IOOptions& o, std::vector<FileAttributes>* out,
                                     IODebugContext* d) override {
    return FileSystem::GetChildrenFileAttributes(folder, o, out, d);
  }
  IOStatus DeleteFile(const std::string& fname, const IOOptions& o, IODebugContext* d) override {
    return is_machines(fname) ? target_->DeleteFile(fname, o, d) : disk_->names.remove(normal(fname));
  }
  IOStatus Truncate(const std::string& fname, std::size_t size, const IOOptions&, IODebugContext*) override {
    std::shared_ptr<volatile_file> file;
    if (const auto s = disk_->names.open_existing(normal(fname), file); !s.ok()) return s;
    return file->truncate(size);
  }
  IOStatus GetFileSize(const std::string& fname, const IOOptions& o, std::uint64_t* size, IODebugContext* d) override {
    const auto name = normal(fname);
    if (const auto file = disk_->names.find(name)) {
      *size = file->size();
      return IOStatus::OK();
    }
    if (!is_machines(name) && !disk_->names.exists(name)) return IOStatus::PathNotFound(fname);
    return target_->GetFileSize(fname, o, size, d);
  }
  IOStatus GetFileModificationTime(const std::string& fname, const IOOptions& o, std::uint64_t* time, IODebugContext* d) override {
    // Of a file that is being written: now is near enough for whoever asks for seconds.
    if (disk_->names.find(normal(fname))) return target_->GetFileModificationTime(std::filesystem::path(fname).parent_path(), o, time, d);
    return target_->GetFileModificationTime(fname, o, time, d);
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& o, IODebugContext* d) override {
    if (is_machines(from)) return target_->RenameFile(from, to, o, d);
    if (const auto s = disk_->before_name(to); !s.ok()) return s;
    return disk_->names.rename(normal(from), normal(to));
  }

private:
  static bool unsupported(const FileOptions& o) { return o.use_mmap_reads || o.use_direct_reads; }

  // A file that nobody writes any more is opened for itself, so that files that are only read are not kept open for ever.
  IOStatus open_to_read(const std::string& name, std::shared_ptr<volatile_file>& out) {
    if (const auto s = disk_->before_read(name); !s.ok()) return s;
    if ((out = disk_->names.find(name))) return IOStatus::OK();
    if (!disk_->names.exists(name)) return IOStatus::PathNotFound(name);
    return volatile_file::open(name, false, out);
  }
  IOStatus open_to_write(const std::string& fname, const FileOptions& o, bool empty, std::unique_ptr<FSWritableFile>* out) {
    if (o.use_direct_writes) return IOStatus::NotSupported("direct I/O on the test's disk");
    const auto name = normal(fname);
    if (const auto s = disk_->before_name(name); !s.ok()) return s;
    std::shared_ptr<volatile_file> file;
    auto s = empty ? disk_->names.create(name, file) : disk_->names.open_existing(name, file);
    if (!empty && s.IsPathNotFound()) s = disk_->names.create(name, file);
    if (!s.ok()) return s;
    *out = std::make_unique<written_file>(disk_, name, std::move(file), o);
    return IOStatus::OK();
  }

  std::shared_ptr<disk> disk_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> power_files(std::shared_ptr<disk_events> events) {
  return std::make_shared<power_file_system>(std::move(events));
}

}  // namespace dsf::tests
