// Which resources are stored under a data key of their own, so that they can be erased (docs/decisions/erasure.md).
#pragma once

#include <cstddef>
#include <string_view>

namespace dsf::fhir {

// Inputs and outputs of a Task are codes, references and short texts; what is larger may be data.
inline constexpr std::size_t plain_task_bytes = 4'096;

// What may carry data of patients: everything but the allow-list and the conformance resources, and Tasks above plain_task_bytes.
[[nodiscard]] bool may_carry_patient_data(std::string_view type, std::size_t body_bytes) noexcept;

}  // namespace dsf::fhir
