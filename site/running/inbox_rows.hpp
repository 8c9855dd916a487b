// Which requested Tasks stand in the inbox when the roles of a program change.
#pragma once

#include "base/log.hpp"
#include "storage/store.hpp"

namespace dsf::site {

// Of a program with the role fhir, before it serves. Without an engine nobody would ever take the rows of the inbox: they go, and none is written any
// more; the engine elsewhere finds Tasks by search. With an engine, every requested Task has a row again, also those that came meanwhile.
base::result<> settle_inbox(storage::store& store, bool engine_here, const base::logger& log);

}  // namespace dsf::site
