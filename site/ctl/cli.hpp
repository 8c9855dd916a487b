// dsfctl: the command line.
#pragma once

#include <iosfwd>

namespace dsf::site {

// 0: done; 1: it failed, one line on `err` says why; 2: the command line is wrong.
int run_dsfctl(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

}  // namespace dsf::site
