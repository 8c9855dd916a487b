// Binaries over REST as raw bytes (dsf-fhir-server 3.10), for clients of endpoints in other programs. Calls block.
#pragma once

#include "net/transport.hpp"
#include "plugins/binaries.hpp"
#include "plugins/remote_client.hpp"

namespace dsf::plugins {

base::result<std::string> upload_binary(net::transport& transport, const remote_options& to, const binary_upload& what);
base::result<binary_download> download_binary(net::transport& transport, const remote_options& from, std::string_view id,
                                              const byte_sink& to);
base::result<> delete_binary(net::transport& transport, const remote_options& at, std::string_view id);

// Its content, or an error if that is shorter or longer than it says.
byte_source checked_content(const binary_upload& what);

}  // namespace dsf::plugins
