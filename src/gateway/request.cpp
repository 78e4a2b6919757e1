#include "gateway/request.hpp"

#include "gateway/event_writer.hpp"

#include <algorithm>

namespace sluicegate::gateway {

Request::Request(ClientConnection& connection) : client(connection), worker(connection.worker()) {
}

Request::~Request() {
    if (is_counted_) worker.in_flight().subtract();
}

void Request::begin() {
    id = worker.request_ids().next();
    snapshot = worker.snapshot();
    started_at = worker.clock().now();
    worker.in_flight().add();
    is_counted_ = true;
}

void Request::end_message() {
    net::ByteBuffer& in = client.in();
    in.consume(message_bytes);
    if (pipelined.empty()) return;
    const auto room = in.make_room(pipelined.size());
    std::copy(pipelined.begin(), pipelined.end(), room.begin());
    in.commit(pipelined.size());
}

}  // namespace sluicegate::gateway
