#include "gateway/request.hpp"

namespace sluicegate::gateway {

Request::Request(worker::Context& its_worker, client::Connection& connection) noexcept
    : worker(its_worker), client(connection) {
}

Request::~Request() {
    if (has_begun()) worker.telemetry.in_flight().subtract();
    leave_load();
}

const char* Request::enter_load(const auth::KeyRecord& key) noexcept {
    const std::size_t most = config().config.server.in_flight_max;
    const char* const why = worker.load.begin(most, memory_share(key));
    is_in_load_ = why == nullptr;
    return why;
}

const char* Request::return_to_load() noexcept {
    const char* const why = worker.load.resume(config().config.server.in_flight_max);
    is_in_load_ = why == nullptr;
    return why;
}

void Request::leave_load() noexcept {
    if (is_in_load_) worker.load.end();
    is_in_load_ = false;
}

void Request::begin() {
    snapshot = worker.snapshot;
    started_at = worker.clock().now();
    const config::Config& settings = config().config;
    client.begin({.server = &settings.server,
                  .limiter = &settings.limiter,
                  .redaction = &config().redaction});
    worker.telemetry.in_flight().add();
}

}  // namespace sluicegate::gateway
