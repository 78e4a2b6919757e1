#pragma once
/// One request of a client and its answer, as the client's connection sees them: the message as it
/// lies in memory, what the head of the answer says besides its content, and what has been sent.
///
/// Ownership  belongs to the task that serves the request; the connection must outlive it.
/// Threads    one: the worker's.

#include "sluicegate/base/error.hpp"
#include "sluicegate/base/ids.hpp"
#include "sluicegate/base/redaction.hpp"
#include "sluicegate/client/connection.hpp"
#include "sluicegate/config/limiter.hpp"
#include "sluicegate/config/server.hpp"
#include "sluicegate/limit/decision.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluicegate::client {

class EventWriter;

/// The settings that hold for one request: those that were in force when it began. What they point
/// to must outlive the request.
struct Settings {
    const config::Server* server = nullptr;
    const config::LimiterSettings* limiter = nullptr;
    const Redaction* redaction = nullptr;  ///< of what upstreams say; null: they are sent no secret
};

/// What the head of the answer says of limits and upstreams, as far as the request has come.
struct AnswerNotes {
    /// What the limits said; none before they were asked.
    std::optional<limit::Decision> decision;
    std::int64_t requested_tokens = 0;  ///< that the limits were asked for
    /// Whose answer it is, or which upstream was asked last; "" for a request that went nowhere.
    std::string_view upstream;
    unsigned attempts = 0;
};

/// What has become of the answer.
struct Sent {
    unsigned status = 0;             ///< as sent; 499 when the client left before an answer
    std::uint64_t body_bytes = 0;    ///< without chunk framing
    std::optional<ErrorKind> error;  ///< why there is no answer, or no complete one
    std::string error_detail;
};

class Exchange {
public:
    explicit Exchange(Connection& connection) noexcept;
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    ~Exchange();

    /// The first byte is there: from here on the request has an id and settings.
    void begin(const Settings& in_force) noexcept;
    /// What the connection and the request hold of server.memory counts for `share`.
    void charge_to(MemoryShare& share) noexcept {
        memory_share = &share;
        connection.in().charge_to(&share);
        body_storage.charge_to(&share);
    }
    /// Leaves the next request, if the client has sent it already, at the front of the buffer.
    void end_message();

    /// Writes everything; false when the client has gone or has not read for server.timeouts.idle.
    net::Task<bool> write(std::span<const net::asio::const_buffer> buffers);

    [[nodiscard]] Context& context() const noexcept { return connection.context(); }
    [[nodiscard]] const http::RequestHead& head() const noexcept { return connection.head(); }

    Connection& connection;
    RequestId id;
    Settings settings;

    // --- the message as it lies in memory; receive_*.cpp alone write these ---

    bool has_head = false;
    std::size_t head_bytes = 0;
    /// Bytes of the connection's buffer that belong to this message.
    std::size_t message_bytes = 0;
    /// All of the body has arrived, or there is none.
    bool is_body_complete = false;
    /// With openai::body_padding readable bytes behind it.
    std::string_view body;
    /// Of a body that does not fit the connection's buffer; counted in server.memory.
    net::ByteBuffer body_storage;
    /// What has arrived of the body was taken out of the connection and is not counted here: until
    /// the body is complete, the rest of it cannot be skipped.
    bool is_body_split = false;
    MemoryShare* memory_share = nullptr;  ///< what the request takes counts for it
    std::string pipelined;                ///< bytes of the next message that were read with it

    // --- the answer ---

    AnswerNotes notes;
    Sent sent;
    /// The client's event stream, once it has one. When it has begun, every failure is told in it.
    std::unique_ptr<EventWriter> events;
};

}  // namespace sluicegate::client
