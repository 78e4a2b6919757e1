#pragma once
/// What is told of a request when it has ended: the metrics and the line in the access log are
/// written from this value and from what the client was sent. The stages write it, and no stage
/// reads it. Views point into the snapshot that the request holds.

#include "sluicegate/auth/authenticate.hpp"
#include "sluicegate/openai/endpoints.hpp"
#include "sluicegate/openai/usage.hpp"
#include "sluicegate/worker/route_reason.hpp"
#include "sluicegate/worker/snapshot.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::gateway {

/// Where the figures of a request's usage come from.
enum class UsageSource : std::uint8_t {
    none,       ///< the request cost no tokens: it never reached an upstream, or that failed
    reported,   ///< the upstream said so
    counted,    ///< the output was counted as it went by, the prompt estimated
    estimated,  ///< from sizes alone
    count_
};
[[nodiscard]] constexpr std::string_view name_of(UsageSource source) noexcept {
    constexpr std::array<std::string_view, static_cast<std::size_t>(UsageSource::count_)> names{
        "none", "reported", "counted", "estimated"};
    return names[static_cast<std::size_t>(source)];
}

struct Record {
    std::optional<openai::Endpoint> endpoint;
    bool is_preflight = false;  ///< a browser's question (client/cors.hpp): not an endpoint's
    auth::Caller caller;        ///< all empty before authentication
    [[nodiscard]] bool has_caller() const noexcept { return !caller.key_id.empty(); }
    const worker::ModelEntry* model = nullptr;
    std::optional<std::size_t> upstream;  ///< index in the snapshot
    bool is_streaming = false;
    /// Of a refused request, what the client asked for, as members of its line: its words may be
    /// gone when the line is written.
    std::string asked;
    std::string asked_model;             ///< that a refused body names
    std::uint64_t bytes_in = 0;          ///< of the body
    Instant attempt_at{};                ///< the latest attempt began
    std::optional<Instant> answered_at;  ///< the head of the answer that is passed on was there
    Milliseconds queued{0};              ///< waited for a place at an upstream
    worker::RouteReason route_reason = worker::RouteReason::none;
    std::size_t route_entry = 0;  ///< of the latest attempt: index into ModelRoute::entries()

    // --- usage ---

    openai::Usage usage;
    UsageSource usage_source = UsageSource::none;
    /// Tokens that the limits were charged in the end.
    std::int64_t settled_tokens = 0;
    std::string finish_reason;
    /// Pieces of output that went by in a stream, and when the first and the last did.
    std::int64_t output_deltas = 0;
    Instant first_delta_at{};
    Instant last_delta_at{};
};

/// The mean over a stream of at least two pieces.
[[nodiscard]] inline Instant::duration inter_token_time(const Record& record) noexcept {
    return (record.last_delta_at - record.first_delta_at) / (record.output_deltas - 1);
}

}  // namespace sluicegate::gateway
