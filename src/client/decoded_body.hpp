#pragma once
/// The body of a request with a content coding, decoded while it arrives.
///
/// Memory   the decoded bytes lie in the exchange's body_storage, so that they and the state of the
///          decoder count in server.memory for the user.
/// Worker   decodes in slices, and lets other requests run between them.
/// Errors   request_too_large beyond `limit` decoded bytes, or beyond what ContentDecoder lets
///          coded bytes grow to; invalid_body for broken and for cut content; overloaded.

#include "sluicegate/client/exchange.hpp"
#include "sluicegate/http/content_decoder.hpp"

#include <cstddef>
#include <string_view>

namespace sluicegate::client {

class DecodedBody {
public:
    DecodedBody(Exchange& exchange, http::ContentCoding coding, std::size_t limit);

    /// Decodes all of `coded`, which must stay valid meanwhile.
    net::Task<Result<void>> take(std::string_view coded);
    /// There is no more of it: gives the exchange its body.
    Result<void> end();

private:
    /// True when there is more to do.
    Result<bool> decode_slice(std::string_view& coded);
    [[nodiscard]] Failure refusal(Failure failure) const;

    Exchange& exchange_;
    http::ContentDecoder decoder_;
    std::size_t limit_;
};

}  // namespace sluicegate::client
