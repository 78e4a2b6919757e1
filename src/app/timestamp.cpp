#include "app/timestamp.hpp"

#include "sluicegate/base/log.hpp"

#include <chrono>

namespace sluicegate::app {

std::string timestamp(WallTime at) {
    std::string quoted;
    log::append_timestamp(
        quoted,
        std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count());
    return quoted.substr(1, quoted.size() - 2);
}

}  // namespace sluicegate::app
