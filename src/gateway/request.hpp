#pragma once
/// One request while it runs, and the values that the stages hand on. Each stage takes the value
/// that the stage before it returned, so that no stage can be skipped.

#include "sluicegate/auth/key_ring.hpp"
#include "sluicegate/base/result.hpp"
#include "sluicegate/client/exchange.hpp"
#include "sluicegate/limit/limiter.hpp"
#include "sluicegate/openai/endpoints.hpp"
#include "sluicegate/openai/inspect_request.hpp"
#include "sluicegate/route/candidate_iterator.hpp"
#include "sluicegate/worker/context.hpp"

#include "gateway/record.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace sluicegate::gateway {

/// What every stage may look at.
class Request {
public:
    Request(worker::Context& its_worker, client::Connection& connection) noexcept;
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    ~Request();

    /// The first byte is there: from here on the request has an id, a snapshot and a start.
    void begin();
    /// Counts it among the requests that are being served. Why it may not be; null when it is.
    [[nodiscard]] const char* enter_load(const auth::KeyRecord& key) noexcept;
    /// Whatever it goes on waiting for, it keeps no other request from being served.
    void leave_load() noexcept;
    /// Counts it again, with its body.
    [[nodiscard]] const char* return_to_load() noexcept;
    [[nodiscard]] bool has_begun() const noexcept { return snapshot != nullptr; }

    [[nodiscard]] const worker::Snapshot& config() const noexcept { return *snapshot->shared; }
    /// What the user of `key` holds of server.memory.
    [[nodiscard]] MemoryShare& memory_share(const auth::KeyRecord& key) const noexcept {
        return *config().memory_shares[key.user_index];
    }
    /// Where the request comes from, for everything that goes by address: the ranges of keys, the
    /// throttle, the log. The one place that decides it.
    [[nodiscard]] const net::AddressBytes& address() const noexcept {
        return client.connection.address();
    }

    worker::Context& worker;
    client::Exchange client;
    std::shared_ptr<worker::LocalSnapshot> snapshot;
    Instant started_at{};
    Record record;  ///< written by the stages, read by account() alone
    /// The model that the URL names, as Azure's do; "" for nearly all requests. It is kept here
    /// because the stages hand on only what every request has.
    std::string url_model;

private:
    bool is_in_load_ = false;
};

// --- what the stages return, in their order ---

struct Received {
    openai::EndpointMatch match;
    bool is_preflight = false;  ///< and there is no endpoint
};

struct Identified {
    const openai::EndpointMatch* match;  ///< of the Received, never null
    const auth::KeyRecord* key;          ///< null: a preflight, or health, which need none
};

struct Loaded {
    openai::Endpoint endpoint;
    const auth::KeyRecord* key;
};

struct Inspected {
    openai::Endpoint endpoint;
    const auth::KeyRecord* key;
    const worker::ModelEntry* model;
    openai::Inspection inspection;
};

/// What the request may cost, in tokens, as far as can be told before it is sent.
struct TokenEstimate {
    std::int64_t prompt = 0;
    std::int64_t answers = 1;  ///< that were asked for: choices times prompts
    std::int64_t total = 0;    ///< with all answers
};

struct Admitted {
    openai::Endpoint endpoint;
    const auth::KeyRecord* key;
    const worker::ModelEntry* model;
    openai::Inspection inspection;
    TokenEstimate tokens;
    Instant at;                      ///< when the limits said yes
    limit::Reservation reservation;  ///< gives everything back unless it is settled
};

struct Routed {
    openai::Endpoint endpoint;
    const auth::KeyRecord* key;
    const worker::ModelEntry* model;
    openai::Inspection inspection;
    TokenEstimate tokens;
    Instant admitted_at;
    limit::Reservation reservation;
    route::RouteQuery query;  ///< what decides where it goes
};

}  // namespace sluicegate::gateway
