#include "gateway/overload.hpp"

#include "sluicegate/base/failure_table.hpp"
#include "sluicegate/http/head_writer.hpp"

#include "gateway/error_reply.hpp"

#include <sys/socket.h>

namespace sluicegate::gateway {

void refuse_overloaded(net::Socket socket, const RequestId& id) noexcept {
    try {
        const Error error{
            .kind = ErrorKind::overloaded, .detail = {}, .subject = {}, .retry_after = {}};
        const std::string body = openai::error_body(api_error_of(error));
        std::string text;
        http::append_status_line(text, failure_row(error.kind).reply.status);
        http::append_field(text, "content-type", "application/json");
        http::append_field(text, "x-request-id", id.text());
        http::append_field(text, "cache-control", "no-store");
        http::append_field(text, "x-content-type-options", "nosniff");
        http::append_field(text, "retry-after", 1);
        http::append_field(text, "retry-after-ms", 1000);
        http::append_field(text, "connection", "close");
        http::append_field(text, "content-length", static_cast<std::int64_t>(body.size()));
        http::append_head_end(text);
        text += body;
        // A new socket's buffer takes this much at once; if not, the client sees only the end.
        [[maybe_unused]] const auto sent =
            ::send(socket.native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        ::shutdown(socket.native_handle(), SHUT_WR);
    } catch (...) {
        // Out of memory: closing is all that is left.
    }
}

}  // namespace sluicegate::gateway
