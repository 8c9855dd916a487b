// The allocator's habits, for a program that is idle most of the time.
#pragma once

namespace dsf::base {

// Before any thread starts: few arenas, so that dozens of mostly waiting threads do not each keep freed memory.
void keep_memory_together();
// Gives freed memory back to the system; takes milliseconds, so for idle moments only.
void release_free_memory();

}  // namespace dsf::base
