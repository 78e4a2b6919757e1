#pragma once
/// The Date field of this second: "Sat, 21 Nov 2026 20:45:23 GMT".
///
/// Threads  one: the worker's.
/// Source   RFC 9110, 5.6.7

#include "sluicegate/base/clock.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate::client {

class HttpDate {
public:
    /// Call a few times a second. True when a new second has begun.
    bool update(WallTime now);
    [[nodiscard]] std::string_view text() const noexcept { return text_; }

private:
    std::int64_t second_ = -1;
    std::string text_;
};

}  // namespace sluicegate::client
