#pragma once
/// `limiter:`: the length of "per minute", how many (user, model) pairs are remembered, and the
/// file that keeps their counts across restarts.

#include "sluicegate/base/clock.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace sluicegate::config {

/// The `code` of a refused request's error.
enum class RejectionCode : std::uint8_t {
    number,  ///< 429
    text,    ///< "rate_limit_exceeded", and `param` is null, for SDKs whose types insist on a text
};

struct LimiterSettings {
    Milliseconds window =
        std::chrono::seconds(60);   ///< 100 ms … 60 s: a smaller one is for trying things out
    std::uint32_t slots = 1048576;  ///< 1024 … 12000000
    /// "": counts end with the process. The path is relative to the folder of the YAML file. Its
    /// folder existed and was writable when the configuration was loaded. The file need not exist.
    std::string state_file;
    /// Answers also carry `RateLimit` and `RateLimit-Policy`
    /// (draft-ietf-httpapi-ratelimit-headers).
    bool ietf_fields = false;
    RejectionCode rejection_code = RejectionCode::number;
};

}  // namespace sluicegate::config
