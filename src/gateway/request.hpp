#pragma once
/// One request while it runs: what every stage may look at, and the values that the stages hand
/// on. Each stage takes the value the previous one returned, so that none can be skipped.

#include "sluicegate/base/ids.hpp"
#include "sluicegate/base/result.hpp"
#include "sluicegate/limit/limiter.hpp"
#include "sluicegate/openai/endpoints.hpp"
#include "sluicegate/openai/inspect_request.hpp"
#include "sluicegate/route/candidate_iterator.hpp"

#include "gateway/client_connection.hpp"
#include "gateway/record.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::gateway {

class EventWriter;

class Request {
public:
    explicit Request(ClientConnection& connection);
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    ~Request();

    /// The first byte is there: from here on the request has an id, a snapshot and a start.
    void begin();
    /// Leaves the next request, if the client has sent it already, at the front of the buffer.
    void end_message();

    [[nodiscard]] const Snapshot& config() const noexcept { return *snapshot->shared; }
    [[nodiscard]] const http::RequestHead& head() const noexcept { return client.head(); }

    ClientConnection& client;
    Worker& worker;
    std::shared_ptr<WorkerSnapshot> snapshot;
    RequestId id;
    Instant started_at{};
    Record record;

    // --- the message as it lies in memory; receive.cpp alone writes these ---

    bool has_head = false;
    std::size_t head_bytes = 0;
    /// Bytes of the client's buffer that belong to this message.
    std::size_t message_bytes = 0;
    /// All of the body has arrived, or there is none.
    bool is_body_complete = false;
    /// With openai::body_padding readable bytes behind it.
    std::string_view body;
    std::unique_ptr<char[]> body_storage;  ///< of a body that does not fit the client's buffer
    std::string pipelined;                 ///< bytes of the next message that were read with it

    /// What the ceiling of the upstream's account holds for the attempt that runs.
    limit::Reservation ceiling;

    /// The client's event stream, once it has one. When it has begun, every failure is told in it.
    std::unique_ptr<EventWriter> events;

private:
    bool is_counted_ = false;
};

// --- what the stages return, in their order ---

struct Received {
    openai::EndpointMatch match;
};

struct Identified {
    openai::EndpointMatch match;
    const auth::KeyRecord* key;
};

struct Loaded {
    openai::Endpoint endpoint;
    const auth::KeyRecord* key;
};

struct Inspected {
    openai::Endpoint endpoint;
    const auth::KeyRecord* key;
    openai::Inspection inspection;
    const ModelEntry* model;
};

struct Admitted {
    openai::Endpoint endpoint;
    openai::Inspection inspection;
    const auth::KeyRecord* key;
    const ModelEntry* model;
    limit::Reservation reservation;  ///< gives everything back unless it is settled
};

struct Routed {
    openai::Endpoint endpoint;
    openai::Inspection inspection;
    limit::Reservation reservation;
    const ModelEntry* model;
    route::RouteQuery query;  ///< what decides where it goes
};

}  // namespace sluicegate::gateway
