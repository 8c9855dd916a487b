#pragma once

namespace dsf::storage {
class kv;
class kv_reader;
class write_batch;
class store;
class store_view;
struct commit;
struct receipt;
struct feed_entry;
}  // namespace dsf::storage
