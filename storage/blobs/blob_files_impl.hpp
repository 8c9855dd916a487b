#pragma once

#include <rocksdb/env.h>

#include <memory>
#include <string>
#include <string_view>

#include "storage/blobs/blob_store.hpp"
#include "storage/rocks_files_impl.hpp"

namespace dsf::storage {

struct blob_writer::file {
  rocks_files files;
  std::string path;
  std::unique_ptr<rocksdb::WritableFile> out;
};
struct blob_reader::file {
  rocks_files files;
  std::unique_ptr<rocksdb::RandomAccessFile> in;
};

// not_found if the file is missing, else io.
base::failure blob_io_error(const rocksdb::Status& s, std::string_view what, const std::string& place);

}  // namespace dsf::storage
