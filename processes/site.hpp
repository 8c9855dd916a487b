// Whose endpoint a reference names. Handlers talk to endpoints of the allow-list only, whatever a message says.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "plugins/handler.hpp"

namespace dsf::processes {

struct absolute_reference {
  std::string base;  // without a slash at the end
  std::string type;
  std::string id;
  std::uint64_t version = 0;
};
// "<base>/<Type>/<id>[/_history/<n>]", relative ones resolved against `own_base`; `type` must match.
base::result<absolute_reference> parse_reference(std::string_view text, std::string_view type, std::string_view own_base);

// The active member that has this endpoint and belongs to `organization`.
base::result<plugins::member> member_at(plugins::services& s, std::string_view organization, std::string_view base_url);
// The member by organisation and endpoint identifier; empty when there is none.
base::result<std::optional<plugins::member>> find_member(plugins::services& s, std::string_view organization,
                                                         std::string_view endpoint_identifier);

// The own endpoint without the network, any other over it.
class endpoint_of {
public:
  endpoint_of(plugins::services& s, const plugins::member& m)
      : remote_(m.local ? nullptr : s.endpoint(m.endpoint_url)), client_(remote_ ? *remote_ : s.local_endpoint()) {}
  plugins::fhir_client* operator->() const { return &client_; }

private:
  std::shared_ptr<plugins::fhir_client> remote_;
  plugins::fhir_client& client_;
};

bpmn::target target_for(const plugins::member& m, std::string correlation_key);

}  // namespace dsf::processes
