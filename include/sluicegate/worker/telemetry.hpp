#pragma once
/// What a worker counts and logs besides its requests.
///
/// Cost     handles are looked up once, so that a flood of refusals takes no shared lock.
/// Threads  one: the worker's.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/error.hpp"
#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/net/handshake_failure.hpp"
#include "sluicegate/route/health.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace sluicegate::worker {

class Telemetry {
public:
    explicit Telemetry(metrics::Registry& registry);
    Telemetry(const Telemetry&) = delete;
    Telemetry& operator=(const Telemetry&) = delete;

    void count_auth_failure(ErrorKind kind);
    /// Why a connection was not served.
    enum class Refused : std::uint8_t {
        full,
        per_address,
        handshakes,
        certificate,
        untrusted_proxy,
        count_
    };
    void count_refused_connection(Refused reason) noexcept { refused(reason).add(); }
    [[nodiscard]] metrics::Counter& refused(Refused reason) noexcept {
        return refused_[static_cast<std::size_t>(reason)];
    }
    /// A connection without a valid key has given way to a new one.
    void count_evicted_connection() noexcept { evicted_.add(); }
    /// A connection has ended before its first request.
    void count_failed_handshake(net::HandshakeFailure why);
    /// Another attempt was wanted; the retry budget allowed it or not.
    void count_retry(bool is_allowed) noexcept { (is_allowed ? retried_ : over_budget_).add(); }
    [[nodiscard]] metrics::Gauge& in_flight() noexcept { return in_flight_; }

    /// Logs and counts a change of an endpoint's health; nothing for none.
    void note_health(const std::string& upstream, const std::string& endpoint,
                     const std::optional<route::HealthChange>& change);
    /// Logs that an account begins to cool: `upstream` is the one that was refused.
    static void note_cooling(const std::string& upstream, const std::string& model,
                             Milliseconds wait);

private:
    metrics::Registry& registry_;
    metrics::Counter retried_;
    metrics::Counter over_budget_;
    metrics::Gauge in_flight_;
    std::array<metrics::Counter, static_cast<std::size_t>(Refused::count_)> refused_;
    metrics::Counter evicted_;
    std::array<std::optional<metrics::Counter>, static_cast<std::size_t>(ErrorKind::count_)>
        auth_failures_{};
    std::array<std::optional<metrics::Counter>,
               static_cast<std::size_t>(net::HandshakeFailure::count_)>
        failed_handshakes_{};
};

}  // namespace sluicegate::worker
