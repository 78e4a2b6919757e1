#include "client/decoded_body.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace sluicegate::client {
namespace {

/// Decoding this much takes well below a millisecond.
constexpr std::size_t slice_bytes = 128 * 1024;
constexpr std::size_t least_room_bytes = 16 * 1024;

}  // namespace

DecodedBody::DecodedBody(Exchange& exchange, http::ContentCoding coding, std::size_t limit)
    : exchange_(exchange),
      decoder_(coding,
               {.malformed = ErrorKind::invalid_body,
                .cut = ErrorKind::invalid_body,
                .expansion = ErrorKind::request_too_large},
               {.budget = exchange.context().memory,
                .use = MemoryUse::request,
                .share = exchange.memory_share}),
      limit_(limit) {
}

/// The client is told what is wrong with what it sent.
Failure DecodedBody::refusal(Failure failure) const {
    Error& error = failure.error;
    if (error.kind == ErrorKind::invalid_body) error.subject = error.detail;
    if (error.kind == ErrorKind::request_too_large) {
        error.subject = std::to_string(http::ContentDecoder::usual_growth.ratio_max) +
                        " for each compressed byte";
    }
    return failure;
}

Result<bool> DecodedBody::decode_slice(std::string_view& coded) {
    net::ByteBuffer& body = exchange_.body_storage;
    const std::span<char> room = body.try_make_room(least_room_bytes);
    if (room.empty()) {
        return fail(ErrorKind::overloaded, "server.memory has no room for the body of a request");
    }
    // A byte more than may be shows that there are too many.
    const std::size_t size = std::min({room.size(), slice_bytes, limit_ + 1 - body.size()});
    auto step = decoder_.decode(coded, room.first(size));
    if (!step) return refusal(std::move(step).failure());
    body.commit(step->produced);
    if (body.size() > limit_) {
        return fail(ErrorKind::request_too_large, {}, std::to_string(limit_) + " when decoded");
    }
    coded.remove_prefix(step->consumed);
    return step->produced == size || !coded.empty();
}

net::Task<Result<void>> DecodedBody::take(std::string_view coded) {
    for (;;) {
        auto has_more = decode_slice(coded);
        if (!has_more) co_return std::move(has_more).failure();
        if (!*has_more) co_return Result<void>();
        co_await net::asio::post(net::asio::deferred);
    }
}

Result<void> DecodedBody::end() {
    if (!decoder_.is_whole()) return refusal(decoder_.cut());
    exchange_.body_storage.fit();
    exchange_.body = exchange_.body_storage.unread();
    return {};
}

}  // namespace sluicegate::client
