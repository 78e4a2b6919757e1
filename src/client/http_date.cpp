#include "sluicegate/client/http_date.hpp"

#include <chrono>
#include <ctime>

namespace sluicegate::client {

bool HttpDate::update(WallTime now) {
    const std::time_t second = std::chrono::system_clock::to_time_t(now);
    if (second == second_) return false;
    std::tm utc{};
    gmtime_r(&second, &utc);
    char text[32];
    // The C locale is never changed, so the names are English, as the RFC demands.
    const std::size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    text_.assign(text, size);
    second_ = second;
    return true;
}

}  // namespace sluicegate::client
