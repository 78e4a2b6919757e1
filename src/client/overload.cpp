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

}  // namespace

void refuse_overloaded(net::Socket socket, Context& context) noexcept {
    try {
        const Error error{
            .kind = ErrorKind::overloaded, .detail = {}, .subject = {}, .retry_after = {}};
        const std::string body = openai::error_body(api_error_of(error));
        const RequestId id = context.request_ids.next();
        std::string text;
        begin_head(text, {.status = failure_row(error.kind).reply.status,
                          .date = context.date.text(),
                          .id = id});
        http::append_field(text, "content-type", "application/json");
        append_retry_after(text, retry_wait);
        http::append_field(text, "connection", "close");
        http::append_field(text, "content-length", static_cast<std::int64_t>(body.size()));
        http::append_head_end(text);
        text += body;
        // A new socket's buffer takes this much at once; if not, the client sees only the end.
        [[maybe_unused]] const auto sent =
            ::send(socket.native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        ::shutdown(socket.native_handle(), SHUT_WR);
        // A request that is there already would turn the end into a reset, which takes the answer
        // from the client.
        std::array<char, 4096> dropped;
        for (int i = 0; i < 16; ++i) {
            if (::recv(socket.native_handle(), dropped.data(), dropped.size(), MSG_DONTWAIT) <= 0) {
                break;
            }
        }
    } catch (...) {
        // Out of memory: closing is all that is left.
    }
}

}  // namespace sluicegate::client
