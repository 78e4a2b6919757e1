#pragma once
/// One attempt at one upstream: the request is sent, and the answer looked at as far as it must be
/// before a byte of it may reach the client. While one lives, a client that leaves ends it.

#include "gateway/event_reader.hpp"
#include "gateway/upstream_request.hpp"

#include <memory>
#include <optional>

namespace sluicegate::gateway {

class Attempt {
public:
    /// `request` and `routed` must outlive it.
    Attempt(Request& request, const Routed& routed,
            const openai::StreamOptionsEdit& stream_options);

    /// Until there is an answer to pass on: the head, judged, and the first events of a stream.
    /// Errors: those of Exchange, and what upstream_answer.hpp makes of a failure that the upstream
    /// tells, as a status or as the first event.
    net::Task<Result<void>> run();

    /// The upstream refused stream options that the client had not asked for.
    [[nodiscard]] bool has_refused_stream_options() const noexcept { return has_refused_options_; }
    /// The upstream may have seen the request.
    [[nodiscard]] bool was_sent() const noexcept { return exchange_->was_sent(); }

    // --- after run() ---

    /// The answer's status is a 2xx; otherwise it is a 4xx that the client caused.
    [[nodiscard]] bool is_successful() const noexcept;
    [[nodiscard]] std::unique_ptr<upstream::Exchange> take_exchange() noexcept;
    /// Null unless the answer is an event stream.
    [[nodiscard]] std::unique_ptr<EventReader> take_events() noexcept;

private:
    net::Task<Result<void>> exchange_heads(bool may_reuse);
    net::Task<Result<void>> judge_failure();
    net::Task<Result<void>> receive_first_events();
    /// A comment for the client, whose stream begins here at the latest; when the next is due.
    net::Task<Result<Instant>> keep_waiting(const http::ResponseHead* head);

    Request& request_;
    const Routed& routed_;
    openai::StreamOptionsEdit stream_options_;
    UpstreamRequest text_;
    std::unique_ptr<upstream::Exchange> exchange_;
    ClientConnection::DepartureWatch departure_;
    std::unique_ptr<EventReader> events_;
    bool has_refused_options_ = false;
};

}  // namespace sluicegate::gateway
