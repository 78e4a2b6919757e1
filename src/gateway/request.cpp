#include "gateway/request.hpp"

namespace sluicegate::gateway {

Request::Request(worker::Context& its_worker, client::Connection& connection) noexcept
    : worker(its_worker), client(connection) {
}

Request::~Request() {
    if (has_begun()) worker.telemetry.in_flight().subtract();
    if (is_in_load) worker.load.end();
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
