#include "sluicegate/client/overload.hpp"

#include "sluicegate/base/failure_table.hpp"
#include "sluicegate/client/answer_head.hpp"
#include "sluicegate/client/error_reply.hpp"
#include "sluicegate/client/limit_fields.hpp"
#include "sluicegate/http/head_writer.hpp"

#include <array>
#include <sys/socket.h>

namespace sluicegate::client {
namespace {

constexpr Milliseconds retry_wait{1000};
constexpr int dropped_reads_max = 16;

}  // namespace

void refuse_overloaded(net::Socket socket, Context& context) noexcept {
    send_early_reply(socket.native_handle(), context, ErrorKind::overloaded);
}

void send_early_reply(int socket, Context& context, ErrorKind kind) noexcept {
    try {
        const Error error{.kind = kind, .detail = {}, .subject = {}, .retry_after = {}};
        const FailureReply& reply = failure_row(kind).reply;
        const std::string body = openai::error_body(api_error_of(error));
        const RequestId id = context.request_ids.next();
        std::string text;
        begin_head(text, {.status = reply.status, .date = context.date.text(), .id = id});
        http::append_field(text, "content-type", "application/json");
        if (reply.sdk_retry == SdkRetry::after_a_second) append_retry_after(text, retry_wait);
        if (reply.sdk_retry == SdkRetry::never) http::append_field(text, "x-should-retry", "false");
        http::append_field(text, "connection", "close");
        http::append_field(text, "content-length", static_cast<std::int64_t>(body.size()));
        http::append_head_end(text);
        text += body;
        // A new socket's buffer takes this much at once; if not, the client sees only the end.
        [[maybe_unused]] const auto sent =
            ::send(socket, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        ::shutdown(socket, SHUT_WR);
        // What has arrived is dropped: closing with unread bytes would be a reset, which can
        // overtake the answer.
        std::array<char, 4096> dropped;
        for (int reads = 0; reads < dropped_reads_max; ++reads) {
            if (::recv(socket, dropped.data(), dropped.size(), MSG_DONTWAIT) <= 0) break;
        }
    } catch (...) {
        // Out of memory: closing is all that is left.
    }
}

}  // namespace sluicegate::client
