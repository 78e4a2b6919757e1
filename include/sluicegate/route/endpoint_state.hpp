#pragma once
/// What all workers know of one endpoint: how many requests it has in flight, and its health.
///
/// Threads   any number. Three relaxed loads tell whether it is ready; a mutex guards what is
///           written when that changes.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/config/upstream.hpp"
#include "sluicegate/route/breaker.hpp"
#include "sluicegate/route/health.hpp"
#include "sluicegate/route/slots.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace sluicegate::route {

/// For /status and the metrics.
struct EndpointStatus {
    std::string label;
    std::uint32_t in_flight = 0;
    std::optional<std::uint32_t> in_flight_max = std::nullopt;
    Health health = Health::healthy;
    std::string reason;                           ///< of that state; "" while it never changed
    std::optional<Instant> since = std::nullopt;  ///< absent: from the beginning
};

class EndpointState {
public:
    /// The longest pause that an endpoint can ask for.
    static constexpr Milliseconds pause_max = std::chrono::minutes(10);
    /// A server that has died or restarts is not asked by one waiting request after the other.
    static constexpr Milliseconds doubt_span{500};

    EndpointState(std::string label, const config::Upstream& upstream);
    /// Takes over new settings; keeps the count in flight and the health.
    void configure(const config::Upstream& upstream);

    /// config::url_of(); "echo" for the embedded one.
    [[nodiscard]] const std::string& label() const noexcept { return label_; }
    /// The same for the same label, in every process.
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }

    Slots slots;

    /// Healthy, or due for a probe.
    [[nodiscard]] bool is_ready(Instant now) const noexcept {
        return !is_check_failing_.load(std::memory_order_relaxed) && !is_paused(now) &&
               breaker_.allows(now);
    }
    /// When time alone will make the endpoint ready; Instant::max(): it is ready, or only an event
    /// can make it so.
    [[nodiscard]] Instant ready_at(Instant now) const noexcept;
    /// A request there was cut or could not be made, and it has not answered another one since. A
    /// request that waits may have a slot of it once in doubt_span.
    [[nodiscard]] bool has_doubt() const noexcept {
        return doubted_until_.load(std::memory_order_relaxed) != 0;
    }
    /// Not even that one.
    [[nodiscard]] bool is_doubted(Instant now) const noexcept {
        return now.time_since_epoch().count() < doubted_until_.load(std::memory_order_relaxed);
    }
    void doubt(Instant now) noexcept {
        doubted_until_.store((now + doubt_span).time_since_epoch().count(),
                             std::memory_order_relaxed);
    }
    /// It has answered.
    void end_doubt() noexcept {
        if (has_doubt()) doubted_until_.store(0, std::memory_order_relaxed);
    }
    /// The kind of attempt that an endpoint that is ready allows; nothing if another request took
    /// the probe.
    [[nodiscard]] std::optional<AttemptKind> begin_attempt(Instant now);

    /// How a request ended. `wait`: what a 503 or 529 asked for, 0 if nothing.
    std::optional<HealthChange> report(Outcome outcome, AttemptKind kind, Milliseconds wait,
                                       Instant now);
    /// What became of a request that ended with Outcome::refused: see Breaker::settle_refusal().
    std::optional<HealthChange> settle_refusal(Instant reported_at, bool is_of_request,
                                               Instant now);
    /// How an active check ended; `reason`: why it failed. The state changes after unhealthy_after
    /// or healthy_after of the same in a row.
    std::optional<HealthChange> report_check(bool is_ok, std::string reason, Instant now);

    [[nodiscard]] Health health(Instant now) const noexcept;
    [[nodiscard]] EndpointStatus status(Instant now) const;

private:
    std::optional<HealthChange> pause(Milliseconds wait, Instant now);
    std::optional<HealthChange> note_breaker(Breaker::Transition change, Instant now);
    void note_doubt(Outcome outcome, Instant now) noexcept;
    /// The state now, with its reason; the mutex is held.
    [[nodiscard]] HealthChange current(Instant now) const;
    [[nodiscard]] bool is_paused(Instant now) const noexcept {
        return now.time_since_epoch().count() < paused_until_.load(std::memory_order_relaxed);
    }

    /// Why something is as it is, since when.
    struct Note {
        std::string reason;
        std::optional<Instant> since = std::nullopt;
    };

    std::string label_;
    std::uint64_t id_;
    Breaker breaker_;
    std::atomic<bool> is_check_failing_{false};
    std::atomic<Instant::rep> paused_until_{0};
    std::atomic<Instant::rep> doubted_until_{0};

    mutable std::mutex mutex_;
    std::optional<config::HealthCheck> check_;
    unsigned checks_in_a_row_ = 0;  ///< that contradict is_check_failing_
    Note check_note_;
    Note breaker_note_;
    Note pause_note_;
};

}  // namespace sluicegate::route
