// The Tasks that the load generator sends, and the business keys in them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dsf::bench {

inline constexpr std::string_view organization = "bench.example";

enum class task_kind : std::uint8_t { start_one_task, start_one_wait, go_on, start_ping };

// UUID text; different for different `n`, spread as random ones are, and the same in every program.
std::string business_key(std::uint64_t n);
// FHIR JSON. `start_ping` has no business key: the site gives it one.
std::string task_text(task_kind kind, std::string_view key, std::string_view from_and_to = organization);

}  // namespace dsf::bench
