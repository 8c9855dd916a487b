// The allocator's habits, for a program that is idle most of the time.
#pragma once

#include <cstdint>

namespace dsf::base {

// Gives freed memory back to the system; takes milliseconds, so for idle moments only.
void release_free_memory();
// What this program has resident.
std::uint64_t resident_bytes();

}  // namespace dsf::base
