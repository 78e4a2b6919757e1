#pragma once
/// How long an idle connection may be trusted to be open still.
///
/// Servers close idle connections after a time of their own (uvicorn after 5 s). A request that is
/// sent in just that moment fails, so a connection is given up before.
/// Threads  one: the worker's.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/http/field_table.hpp"

#include <chrono>
#include <optional>

namespace sluicegate::upstream {

/// What a server promises with `Keep-Alive: timeout=N`: N seconds, less one for the way; 0 where
/// that leaves nothing. Absent when it says nothing that can be understood.
[[nodiscard]] std::optional<Milliseconds> promised_idle_time(const http::FieldTable& fields);

/// What is learned from the idle connections that the server has closed: four fifths of the time
/// after which it did so twice. Once may be a restart.
class IdleLimit {
public:
    /// Nothing below this is learned.
    static constexpr Milliseconds floor = std::chrono::seconds(1);
    /// The limit grows by half whenever so long nothing was closed.
    static constexpr Milliseconds forget_after = std::chrono::minutes(5);

    explicit IdleLimit(Milliseconds configured) : configured_(configured), current_(configured) {}

    /// Another configured limit; what was learned stays.
    void configure(Milliseconds configured) noexcept;
    [[nodiscard]] Milliseconds current() const noexcept { return current_; }
    /// The server has closed a connection that was idle for `idle_for` at most: of several at once,
    /// that of the longest.
    void server_closed(Milliseconds idle_for, Instant now) noexcept;
    /// Time goes by. Call now and then.
    void forget(Instant now) noexcept;

private:
    Milliseconds configured_;
    Milliseconds current_;
    std::optional<Milliseconds> suspected_;  ///< seen once
    Instant changed_at_{};
};

}  // namespace sluicegate::upstream
