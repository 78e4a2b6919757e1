#pragma once
/// The answer to a client that speaks HTTP/2 without having been asked to ("prior knowledge",
/// RFC 9113, 3.3). It gets the error in HTTP/2, the only language that it reads; everything else
/// that it says is dropped.

#include "sluicegate/client/exchange.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate::client {

/// `bytes` begin as a connection of HTTP/2 does.
[[nodiscard]] bool is_http2_preface(std::string_view bytes) noexcept;

/// The stream of the first request in `bytes`, which begin with the preface; 0 while it has not
/// arrived.
[[nodiscard]] std::uint32_t first_http2_stream(std::string_view bytes) noexcept;

/// What a refusal consists of.
struct Http2Refusal {
    std::uint32_t stream = 0;  ///< 0: no request has arrived, so there is nothing to answer
    unsigned status = 0;
    std::string_view request_id;
    std::string_view body;    ///< JSON
    std::string_view reason;  ///< for the log of a client
};
/// The frames: SETTINGS, the answer on its stream, and GOAWAY with HTTP_1_1_REQUIRED.
[[nodiscard]] std::string http2_frames(const Http2Refusal& refusal);

/// Waits a short time for the request, and sends the frames. The connection ends after it.
net::Task<void> refuse_http2(Exchange& exchange, unsigned status, std::string body,
                             std::string reason);

}  // namespace sluicegate::client
