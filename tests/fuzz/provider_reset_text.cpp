/// Times as providers write them, alone and inside the body of an error. Whatever is read is
/// within its bounds, and a later look at the same text never finds more time left.

#include "sluicegate/provider/reset_text.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sluicegate;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const WallTime now{std::chrono::seconds(1'795'293'923)};
    const auto reset = provider::parse_reset(text, now);
    const auto later = provider::parse_reset(text, now + std::chrono::hours(1));
    require(reset.has_value() == later.has_value());
    if (reset) {
        require(*reset >= Milliseconds(0) && *reset <= provider::reset_max);
        require(*later >= Milliseconds(0) && *later <= *reset);
    }
    const auto delay = provider::retry_delay_in(text);
    if (delay) require(*delay >= Milliseconds(0) && *delay <= provider::reset_max);
    return 0;
}
