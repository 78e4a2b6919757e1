#include "sluicegate/client/exchange.hpp"

#include "sluicegate/base/secret.hpp"
#include "sluicegate/client/event_writer.hpp"

#include <algorithm>

namespace sluicegate::client {

Exchange::Exchange(Connection& its_connection) noexcept
    : connection(its_connection), body_storage(0, its_connection.context().memory) {
}

Exchange::~Exchange() {
    // The next message has a key, and the request to the upstream had one.
    if (!pipelined.empty()) wipe(pipelined);
    wipe(connection.request_text());
}

void Exchange::begin(const Settings& in_force) noexcept {
    id = context().request_ids.next();
    settings = in_force;
    connection.note_request();
    connection.forget_forwarded();
    connection.be_patient(in_force.server->timeouts.idle);
}

void Exchange::end_message() {
    net::ByteBuffer& in = connection.in();
    in.consume(message_bytes);
    if (pipelined.empty()) return;
    const auto room = in.make_room(pipelined.size());
    std::copy(pipelined.begin(), pipelined.end(), room.begin());
    in.commit(pipelined.size());
}

net::Task<bool> Exchange::write(std::span<const net::asio::const_buffer> buffers) {
    return connection.write(buffers, settings.server->timeouts.idle);
}

}  // namespace sluicegate::client
