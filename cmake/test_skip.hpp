// DSF_SKIP("where: why"): the test ends here and is counted as skipped. The text must match a line of tests/skips.txt.
#pragma once

#include <iostream>

#include <catch2/catch.hpp>

#define DSF_SKIP(reason)                            \
  do {                                              \
    std::cout << "SKIP: " << (reason) << std::endl; \
    return;                                         \
  } while (false)
