#pragma once
/// Which API keys end soon, for a metric and a line of the log.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/config/config.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace sluicegate::app {

class KeyExpiry {
public:
    /// A key that ends within it ends soon.
    static constexpr std::chrono::days soon{14};
    /// Lines of one log_soon(), the sum of the others included.
    static constexpr std::size_t lines_max = 100;

    /// Knows the keys of this configuration from now on, those in use.
    void configure(const config::Config& config);
    /// How many end soon and have not ended.
    [[nodiscard]] std::size_t count_soon(WallTime now) const;
    /// Writes a `key_expires` line for each of them.
    void log_soon(WallTime now) const;

private:
    struct Key {
        WallTime end;
        std::string user;
        std::string id;
    };
    struct Range {
        std::vector<Key>::const_iterator begin;
        std::vector<Key>::const_iterator end;
    };
    [[nodiscard]] Range ending_soon(WallTime now) const;

    std::vector<Key> keys_;  ///< that end at all, the first first
};

}  // namespace sluicegate::app
