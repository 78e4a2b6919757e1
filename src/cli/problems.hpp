#pragma once
/// Prints the problems of a configuration to a terminal.

#include "sluicegate/config/problem.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace sluicegate::cli {

inline void print_problems(const std::string& file, const std::vector<config::Problem>& problems) {
    for (const config::Problem& problem : problems) {
        std::fprintf(stderr, "%s\n", config::format(problem).c_str());
    }
    std::fprintf(stderr, "%s: %zu problem%s\n", file.c_str(), problems.size(),
                 problems.size() == 1 ? "" : "s");
}

}  // namespace sluicegate::cli
