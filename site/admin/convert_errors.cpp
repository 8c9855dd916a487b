// base::error to gRPC status and back: the text stays, the kind decides the code.
#include <array>

#include "site/admin/convert_impl.hpp"

namespace dsf::site {
namespace {

struct kind_row {
  base::error_kind kind;
  grpc::StatusCode code;
  admin_errc at_client;
};
constexpr std::array<kind_row, 11> kinds{{
    {base::error_kind::invalid, grpc::StatusCode::INVALID_ARGUMENT, admin_errc::invalid},
    {base::error_kind::not_found, grpc::StatusCode::NOT_FOUND, admin_errc::not_found},
    {base::error_kind::forbidden, grpc::StatusCode::PERMISSION_DENIED, admin_errc::forbidden},
    {base::error_kind::conflict, grpc::StatusCode::FAILED_PRECONDITION, admin_errc::conflict},
    {base::error_kind::too_large, grpc::StatusCode::OUT_OF_RANGE, admin_errc::too_large},
    {base::error_kind::overloaded, grpc::StatusCode::RESOURCE_EXHAUSTED, admin_errc::overloaded},
    {base::error_kind::unavailable, grpc::StatusCode::UNAVAILABLE, admin_errc::unavailable},
    {base::error_kind::timeout, grpc::StatusCode::DEADLINE_EXCEEDED, admin_errc::timeout},
    {base::error_kind::corrupt, grpc::StatusCode::DATA_LOSS, admin_errc::corrupt},
    {base::error_kind::unsupported, grpc::StatusCode::UNIMPLEMENTED, admin_errc::unsupported},
    {base::error_kind::internal, grpc::StatusCode::INTERNAL, admin_errc::internal},
}};

}  // namespace

grpc::Status to_status(const base::error& e) {
  pb::Problem problem;
  problem.set_code(e.code());
  problem.set_kind(std::string(base::to_string(e.kind())));
  std::string text = e.text();
  for (const auto* cause = e.cause(); cause; cause = cause->cause()) text += " (because: " + cause->text() + ")";
  problem.set_text(text);
  problem.set_place(e.place());
  for (const auto& row : kinds)
    if (row.kind == e.kind()) return {row.code, e.to_string(), problem.SerializeAsString()};
  return {grpc::StatusCode::INTERNAL, e.to_string(), problem.SerializeAsString()};
}

base::error from_status(const grpc::Status& status, const std::string& socket_path) {
  pb::Problem problem;
  if (!status.error_details().empty() && problem.ParseFromString(status.error_details())) {
    for (const auto& row : kinds)
      if (base::to_string(row.kind) == problem.kind()) return {row.at_client, problem.text(), problem.place()};
  }
  // No details: the transport speaks.
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE: return {admin_errc::no_server, "no dsfd listens at " + socket_path + "; start it or pass --socket"};
    case grpc::StatusCode::DEADLINE_EXCEEDED: return {admin_errc::timeout, "dsfd did not answer in time", socket_path};
    case grpc::StatusCode::CANCELLED: return {admin_errc::cancelled, "the call was cancelled", socket_path};
    case grpc::StatusCode::UNIMPLEMENTED:
      return {admin_errc::unsupported, "the running dsfd does not know this call; it is of another version", socket_path};
    default: return {admin_errc::internal, status.error_message(), socket_path};
  }
}

}  // namespace dsf::site
