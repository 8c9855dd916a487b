#pragma once

namespace dsf::net {

class header_list;
class https_client;
class https_server;
class io_threads;
class responder;
class tls_identity;
class transport;
struct peer;
struct request;
struct response;

}  // namespace dsf::net
