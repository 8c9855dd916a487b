#include <iostream>

#include "site/ctl/cli.hpp"

int main(int argc, char** argv) { return dsf::site::run_dsfctl(argc, argv, std::cout, std::cerr); }
