#pragma once
/// What every parse_* function needs besides the value that it reads.

#include "sluicegate/config/load.hpp"

#include "config/problems.hpp"

#include <set>
#include <string>
#include <vector>

namespace sluicegate::config {

struct Context {
    Problems& problems;
    const Environment& environment;
    /// By file index: the folder for relative paths in that file.
    const std::vector<std::string>& folders;
    /// The files of the configuration in which secrets were found.
    std::set<std::string>& secret_files;
    /// What is right, but probably not meant so; scalar.cpp bounds it.
    std::vector<Problem>& warnings;
    /// True inside an upstream that `when_env` turns off. There, an unset variable or a missing
    /// file is no problem; every other mistake is.
    bool is_off = false;
};

}  // namespace sluicegate::config
