// What processes may reach beside DSF sites: people by mail, and FHIR servers that the site's settings name (dsf-bpe 5.1, 5.4). Services of a
// running site have both; `outside_of` finds them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "plugins/handler.hpp"
#include "plugins/mail.hpp"

namespace dsf::plugins {

class outside_services {
public:
  virtual ~outside_services() = default;
  // Gives the Message-ID.
  virtual base::result<std::string> send_mail(const mail& m) = 0;
  // By its name in fhir_connections.file.
  virtual base::result<std::shared_ptr<fhir_client>> connection(std::string_view name) = 0;
};

// Null: these services have none.
inline outside_services* outside_of(services& s) { return dynamic_cast<outside_services*>(&s); }

}  // namespace dsf::plugins
