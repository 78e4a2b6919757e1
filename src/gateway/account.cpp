#include "gateway/account.hpp"

#include "gateway/access_line.hpp"

namespace sluicegate::gateway {

void account(Request& request, Counters& counters) {
    const Instant now = request.worker.clock().now();
    counters.count(request, now);
    if (request.config().config.log.access) {
        append_access_line(request.worker.access_lines, request, now);
    }
}

}  // namespace sluicegate::gateway
