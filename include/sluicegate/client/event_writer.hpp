#pragma once
/// The client's side of an event stream: its head, the upstream's events, comments that keep it
/// alive while the upstream is silent, and the event that says that it broke.
///
/// Order    write() and comment(), and at most one fail().
/// Threads  one: the worker's.
/// Source   docs/streaming.md says what a client may rely on.

#include "sluicegate/client/body_writer.hpp"
#include "sluicegate/http/response_head.hpp"
#include "sluicegate/openai/endpoints.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluicegate::client {

class EventWriter {
public:
    /// What a stream is written with.
    struct Options {
        openai::Endpoint endpoint{};     ///< decides the shape of the event that says an error
        Milliseconds keep_alive{0};      ///< silence that is filled with a comment; 0: never
        const http::ResponseHead* head;  ///< the upstream's; null: it has not answered yet
    };

    /// Takes the connection's answer text.
    EventWriter(Exchange& exchange, const Options& options);

    /// Whole events, or the beginning of a long one; `ends_event` says whether an event of our own
    /// may follow. False when the client has gone.
    net::Task<bool> write(std::string_view events, bool ends_event, bool is_last);
    net::Task<bool> comment();
    /// Tells the client inside the stream, and ends the connection without an end of the body: no
    /// client can take what it has for a complete answer.
    net::Task<void> fail(const Error& error);
    /// Of the last event passed on, where events are numbered: the next one of ours follows it.
    void note_sequence_number(std::int64_t last) noexcept { last_sequence_number_ = last; }

    /// Whose answer it is was said in the head.
    [[nodiscard]] bool names_upstream() const noexcept { return names_upstream_; }
    /// The status is with the client: whatever happens now must be said in the stream.
    [[nodiscard]] bool has_begun() const noexcept { return body_.has_begun(); }
    [[nodiscard]] bool stays_open() const noexcept { return body_.stays_open(); }
    /// When the next comment is due if nothing is written before; never in the middle of an event.
    [[nodiscard]] Instant comment_at() const noexcept;

private:
    Exchange& exchange_;
    BodyWriter body_;
    openai::Endpoint endpoint_;
    Milliseconds keep_alive_;
    Instant written_at_;
    bool names_upstream_;
    std::int64_t last_sequence_number_ = -1;
    bool is_mid_event_ = false;
};

}  // namespace sluicegate::client
