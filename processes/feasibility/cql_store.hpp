// What a CQL evaluating store (an external FHIR server) needs of a Measure and its Library (dsf-bpe 9.1, Execute 4). Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"

namespace dsf::processes::feasibility {

// A transaction that stores both; sent again it changes nothing. The library gets the URL <base>/Library/<id>, name, version 1.0.0, and the
// first line of its CQL names it.
base::result<base::json> cql_bundle(const base::json& measure, const base::json& library, std::string_view store_base);
// The id of the Measure in the answer to the transaction.
base::result<std::string> stored_measure_id(const base::json& answer);
// The query that evaluates a stored Measure.
std::string evaluate_query(std::string_view measure_id);

}  // namespace dsf::processes::feasibility
