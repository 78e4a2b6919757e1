#include "support/stream_farm.hpp"

#include "support/script.hpp"

#include <utility>

namespace sluicegate::support {
namespace {

using Clock = std::chrono::steady_clock;

/// For a call that must not wait.
Deadline now() {
    return Deadline(milliseconds(0));
}

}  // namespace

StreamFarm::StreamFarm(milliseconds pace, int prompt_tokens)
    : pace_(pace), prompt_tokens_(prompt_tokens), thread_([this] { run(); }) {
}

StreamFarm::~StreamFarm() {
    is_stopping_ = true;
    thread_.join();
}

std::string StreamFarm::base_url() const {
    return "http://127.0.0.1:" + std::to_string(socket_.port()) + "/v1";
}

std::map<std::string, FarmStream> StreamFarm::streams() const {
    const std::scoped_lock lock(mutex_);
    return streams_;
}

bool StreamFarm::wait_for_running(std::size_t count, Deadline deadline) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline.at(), [&] { return running_ == count; });
}

void StreamFarm::run() {
    while (!is_stopping_) {
        accept_all();
        std::erase_if(connections_, [this](Connection& connection) { return !serve(connection); });
        std::this_thread::sleep_for(milliseconds(1));
    }
}

void StreamFarm::accept_all() {
    for (;;) {
        Wire wire = socket_.accept(now());
        if (!wire.is_open()) return;
        connections_.push_back({.wire = std::move(wire)});
    }
}

bool StreamFarm::serve(Connection& connection) {
    if (!connection.is_streaming) return read_request(connection);
    if (connection.wire.peer_has_closed()) {
        const std::scoped_lock lock(mutex_);
        streams_[connection.id].left = Clock::now();
        --running_;
        changed_.notify_all();
        return false;
    }
    return Clock::now() < connection.next || write_event(connection);
}

bool StreamFarm::read_request(Connection& connection) {
    const ReadResult result = connection.wire.read_some(now());
    if (result.end == ReadEnd::timeout) return true;
    if (result.end != ReadEnd::data) return false;
    connection.received += result.bytes;
    std::string rest = connection.received;
    const std::optional<MessageHead> head = take_head(rest);
    if (!head) return true;
    BodyReader body = BodyReader::for_request(*head);
    body.take(rest);
    if (!body.is_done()) return true;
    connection.id = head->value("x-client-request-id");
    connection.is_streaming = true;
    connection.next = Clock::now();
    static_cast<void>(connection.wire.write_all(sse_head(), now()));
    const std::scoped_lock lock(mutex_);
    streams_[connection.id] = {};
    ++running_;
    changed_.notify_all();
    return true;
}

bool StreamFarm::write_event(Connection& connection) {
    const bool is_last = is_finishing_;
    const std::scoped_lock lock(mutex_);
    FarmStream& stream = streams_[connection.id];
    ++stream.events;
    std::string bytes = chunk(chat_event("word"));
    if (is_last) {
        bytes += chunk(usage_event(prompt_tokens_, stream.events) + std::string(done_event));
        bytes += chunk("");
    }
    // A few hundred bytes always fit into the kernel's buffer of a stream that is read.
    static_cast<void>(connection.wire.write_all(bytes, now()));
    connection.next += pace_;
    if (!is_last) return true;
    stream.was_finished = true;
    --running_;
    changed_.notify_all();
    connection.wire.close();
    return false;
}

}  // namespace sluicegate::support
