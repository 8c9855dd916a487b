#include "base/memory.hpp"

#include <malloc.h>

namespace dsf::base {

void keep_memory_together() { ::mallopt(M_ARENA_MAX, 4); }
void release_free_memory() { ::malloc_trim(0); }

}  // namespace dsf::base
