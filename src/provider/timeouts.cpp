#include "sluicegate/provider/timeouts.hpp"

namespace sluicegate::provider {

config::UpstreamTimeouts timeouts_of(const config::Upstream& upstream,
                                     const config::Model& model) noexcept {
    config::UpstreamTimeouts timeouts = upstream.timeouts;
    timeouts.first_byte = model.timeouts.first_byte.value_or(timeouts.first_byte);
    timeouts.between_bytes = model.timeouts.between_bytes.value_or(timeouts.between_bytes);
    timeouts.total = model.timeouts.total.value_or(timeouts.total);
    return timeouts;
}

}  // namespace sluicegate::provider
