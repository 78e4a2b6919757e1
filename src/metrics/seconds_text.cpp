#include "metrics/seconds_text.hpp"

#include "sluicegate/base/json_text.hpp"

namespace sluicegate::metrics {

void append_seconds(std::string& out, std::int64_t nanoseconds) {
    constexpr std::int64_t second = 1'000'000'000;
    std::int64_t rest = nanoseconds % second;
    if (nanoseconds < 0) {
        out += '-';
        rest = -rest;
    }
    append_decimal(out, nanoseconds < 0 ? -(nanoseconds / second) : nanoseconds / second);
    if (rest == 0) return;
    out += '.';
    for (std::int64_t digit = second / 10; rest != 0; digit /= 10) {
        out += static_cast<char>('0' + rest / digit);
        rest %= digit;
    }
}

}  // namespace sluicegate::metrics
