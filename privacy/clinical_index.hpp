// An index over the clinical resources of a repository, from which cohorts are counted without touching the resources again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "privacy/error.hpp"

namespace dsf::privacy {

struct index_data;

// Filled by add(), closed by seal(), then only read (from any number of threads). Patients have dense ordinals; a patient is who
// a resource refers to by Patient/<id>, whether or not the Patient itself is there (as a search for `subject` has it, domain 3.4).
class clinical_index {
public:
  clinical_index();
  ~clinical_index();
  clinical_index(clinical_index&&) noexcept;
  clinical_index& operator=(clinical_index&&) noexcept;

  // A resource of a type without parameters is left out. Each resource may come once; an import keeps the newest of each id.
  base::result<void> add(const base::json& resource);
  // Resolves references between resources. Duplicates are an error here.
  base::result<void> seal();

  std::uint32_t patients() const;
  std::uint64_t resources() const;
  // The id of the patient with an ordinal below patients().
  std::string_view patient_id(std::uint32_t ordinal) const;
  // What the index takes, roughly.
  std::size_t memory_bytes() const;

  // The sealed index as bytes with a format version; and back. Bytes of another version give `corrupt`: build it again.
  std::string serialize() const;
  static base::result<clinical_index> deserialize(std::string_view bytes);

  const index_data& data() const { return *data_; }

private:
  std::unique_ptr<index_data> data_;
};

}  // namespace dsf::privacy
