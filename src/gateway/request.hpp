#pragma once
/// One request while it runs: what every stage may look at, and the values that the stages hand
/// on. Each stage takes the value the previous one returned, so that none can be skipped.

#include "sluicegate/auth/authenticate.hpp"
#include "sluicegate/base/ids.hpp"
#include "sluicegate/base/result.hpp"
#include "sluicegate/limit/limiter.hpp"
#include "sluicegate/openai/endpoints.hpp"
#include "sluicegate/openai/inspect_request.hpp"

#include "gateway/client_connection.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::gateway {

/// What is known of a request when it has ended: the access log line and the metrics are written
/// from it alone. Views point into the snapshot that the request holds.
struct Record {
    std::optional<openai::Endpoint> endpoint;
    auth::Caller caller;  ///< all empty before authentication
    const ModelEntry* model = nullptr;
    std::optional<std::size_t> upstream;  ///< index in the snapshot
    unsigned status = 0;                  ///< as sent; 499 when the client left before an answer
    std::optional<ErrorKind> error;
    std::string error_detail;
    /// What the limits said; the headers of the answer are written from it.
    std::optional<limit::Decision> decision;
    unsigned attempts = 0;
    bool is_streaming = false;
    std::uint64_t bytes_in = 0;           ///< of the body
    std::uint64_t bytes_out = 0;          ///< of the body, without chunk framing
    std::optional<Instant> forwarded_at;  ///< admitted, on its way to the upstream
    std::optional<Instant> answered_at;   ///< the upstream's head was there
};

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
    const ModelEntry* model;
    limit::Reservation reservation;  ///< gives everything back unless it is settled
};

struct Routed {
    openai::Endpoint endpoint;
    openai::Inspection inspection;
    limit::Reservation reservation;
    std::size_t upstream;             ///< index in the snapshot
    std::string_view upstream_model;  ///< how the upstream calls the model
};

struct Answered {
    openai::Endpoint endpoint;
    limit::Reservation reservation;                ///< until the answer has been passed on
    std::unique_ptr<upstream::Exchange> exchange;  ///< its head is there
};

}  // namespace sluicegate::gateway
