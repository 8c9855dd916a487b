// Named faults for tests of the tests (scripts/mutants, tests/simulation): DSF_MUTANT("name") is false, and no code, unless the build has
// DSF_MUTANTS; then it is true in a program whose environment variable DSF_MUTANT holds that name.
#pragma once

#ifdef DSF_MUTANTS
namespace dsf::base {
bool mutant(const char* name);
}
#define DSF_MUTANT(name) (::dsf::base::mutant(name))
#else
#define DSF_MUTANT(name) false
#endif
