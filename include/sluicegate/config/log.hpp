#pragma once
/// `log:`: what is written to standard output.

#include "sluicegate/base/log.hpp"

namespace sluicegate::config {

struct Log {
    log::Level level = log::Level::info;
    bool access = true;  ///< one line for each request
};

}  // namespace sluicegate::config
