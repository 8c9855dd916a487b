// Binaries of a FHIR endpoint as bytes that pass by (dsf-fhir-server 3.10): whole ones never stand in memory, nor in a variable. The clients that
// a running site gives its handlers can do it; `binaries_of` finds it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "plugins/handler.hpp"

namespace dsf::plugins {

// The next piece, empty at the end. Called on the thread of who asked for the transfer.
using byte_source = std::function<base::result<std::string>()>;
// Takes a piece, on the same thread; false: the rest is not wanted.
using byte_sink = std::function<bool(std::string_view)>;

struct binary_upload {
  std::string content_type;
  std::string security_context;  // "Organization/<id>": who may read that may read the Binary
  std::uint64_t size = 0;  // that many bytes, not one more or less
  byte_source content;
  std::string key;  // the same one gives the same Binary, at the own endpoint also after a crash
};

struct binary_download {
  std::uint64_t bytes = 0;
  std::string content_type;
};

class binary_client {
public:
  virtual ~binary_client() = default;
  // Gives the new Binary's id.
  virtual base::result<std::string> create_binary(const binary_upload& what) = 0;
  virtual base::result<binary_download> read_binary(std::string_view id, const byte_sink& to) = 0;
  // Deletes it, and for good where that is allowed. One that is gone is no error.
  virtual base::result<> remove_binary(std::string_view id) = 0;
};

// Null: this client can't.
inline binary_client* binaries_of(fhir_client& c) { return dynamic_cast<binary_client*>(&c); }

}  // namespace dsf::plugins
