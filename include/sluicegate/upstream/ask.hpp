#pragma once
/// A request and the head of its answer, over an idle connection or a new one.

#include "sluicegate/upstream/exchange.hpp"

#include <span>

namespace sluicegate::upstream {

struct Question {
    std::span<const net::asio::const_buffer> text;  ///< the complete request
    http::Method method = http::Method::post;
};

/// Sends the question and waits for the head of its answer. Where an idle connection turns out to
/// have been closed before it carried the question, it is sent once more on a new one.
///
/// `wake_at`: silent from then on, once the question is sent and if there is no head yet. Call
/// again with the same question to go on.
/// Errors: those of Exchange. `exchange` may be cancelled meanwhile; the text must outlive the
/// task.
net::Task<Result<Arrival>> ask(Exchange& exchange, Question question,
                               Instant wake_at = Instant::max());

}  // namespace sluicegate::upstream
