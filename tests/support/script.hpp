#pragma once
/// The steps of a FakeUpstream for one request or one new connection: bytes exactly as written
/// here, waits, and every way to stop.
///
/// The end    a script that neither closes, cuts nor resets leaves the connection open for the next
///            request.

#include "support/signal.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluicegate::support {

struct Step {
    enum class Kind { send, wait, raise, call, pause, repeat, stall, close, cut, reset };
    Kind kind = Kind::stall;
    std::string bytes;
    Signal signal;
    milliseconds span{0};
    std::function<void()> function{};
};

class Script {
public:
    /// One write of exactly these bytes.
    Script& send(std::string bytes) { return add(Step::Kind::send, std::move(bytes)); }
    /// Many writes of `piece` bytes each.
    Script& send_in_pieces(std::string_view bytes, std::size_t piece);
    /// Holds until the test raises the signal.
    Script& wait(const Signal& signal) { return add(Step::Kind::wait, {}, signal); }
    /// Tells the test that the script has reached this step.
    Script& raise(const Signal& signal) { return add(Step::Kind::raise, {}, signal); }
    /// Runs it on the connection's thread, unless the peer has left before.
    Script& call(std::function<void()> function) {
        add(Step::Kind::call);
        steps_.back().function = std::move(function);
        return *this;
    }
    Script& pause(milliseconds span) { return add(Step::Kind::pause, {}, {}, span); }
    /// Writes these bytes again and again until the peer leaves; one per `span`.
    Script& repeat(std::string bytes, milliseconds span = milliseconds(0)) {
        return add(Step::Kind::repeat, std::move(bytes), {}, span);
    }
    /// Sends nothing more until the peer leaves.
    Script& stall() { return add(Step::Kind::stall); }
    /// close_notify (under TLS) and FIN.
    Script& close() { return add(Step::Kind::close); }
    /// FIN without close_notify.
    Script& cut() { return add(Step::Kind::cut); }
    Script& reset() { return add(Step::Kind::reset); }

    [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }

private:
    Script& add(Step::Kind kind, std::string bytes = {}, const Signal& signal = {},
                milliseconds span = milliseconds(0)) {
        steps_.push_back({kind, std::move(bytes), signal, span, {}});
        return *this;
    }
    std::vector<Step> steps_;
};

/// "a: b\r\nc: d\r\n", to be put between other fields.
using FieldText = std::string;

/// A status line, the fields and the blank line.
[[nodiscard]] std::string response_head(int status, const FieldText& fields);
/// A complete response with Content-Length.
[[nodiscard]] std::string response(int status, std::string_view content_type, std::string_view body,
                                   const FieldText& more_fields = {});
[[nodiscard]] std::string json_response(int status, std::string_view body,
                                        const FieldText& more_fields = {});
/// The head of a chunked event stream.
[[nodiscard]] std::string sse_head(const FieldText& more_fields = {});
/// One chunk; "" gives the last one.
[[nodiscard]] std::string chunk(std::string_view payload);
/// One chat.completion.chunk event whose delta is `content`.
[[nodiscard]] std::string chat_event(std::string_view content);
inline constexpr std::string_view done_event = "data: [DONE]\n\n";

/// The chunk that reports the usage of a stream and holds nothing else.
[[nodiscard]] std::string usage_event(int prompt_tokens, int completion_tokens);

/// A whole good answer to a request for that path.
[[nodiscard]] std::string answer_to(std::string_view target);
/// A whole good answer to a chat completion.
[[nodiscard]] std::string chat_answer(int prompt_tokens = 1, int completion_tokens = 1,
                                      const FieldText& more_fields = {});

}  // namespace sluicegate::support
