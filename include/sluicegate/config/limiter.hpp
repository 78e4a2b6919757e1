#pragma once
/// `limiter:`: what "per minute" means, how many (user, model) pairs are remembered, and where
/// their counts outlive the process.

#include "sluicegate/base/clock.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace sluicegate::config {

struct LimiterSettings {
    Milliseconds window =
        std::chrono::seconds(60);   ///< 100 ms … 60 s: a smaller one is for trying things out
    std::uint32_t slots = 1048576;  ///< 1024 … 12000000
    /// "": counts end with the process. Resolved against the folder of the YAML file. Its folder
    /// was there and writable when the file was loaded; the file itself need not exist.
    std::string state_file;
    /// Answers also carry `RateLimit` and `RateLimit-Policy`
    /// (draft-ietf-httpapi-ratelimit-headers).
    bool ietf_fields = false;
};

}  // namespace sluicegate::config
