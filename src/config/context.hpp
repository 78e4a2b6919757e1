#pragma once
/// What every parse_* function needs besides the value it reads.

#include "sluicegate/config/load.hpp"

#include "config/problems.hpp"

#include <string>
#include <vector>

namespace sluicegate::config {

struct Context {
    Problems& problems;
    const Environment& environment;
    /// By file index: relative paths in that file start here.
    const std::vector<std::string>& folders;
    /// True inside an upstream that `when_env` turns off: an unset variable or a missing file is
    /// no problem there. Everything else still is.
    bool is_off = false;
};

}  // namespace sluicegate::config
