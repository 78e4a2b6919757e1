#pragma once
/// The request as the upstream gets it: written anew from checked parts.

#include "sluicegate/openai/splice.hpp"

#include "gateway/request.hpp"

#include <array>
#include <span>

namespace sluicegate::gateway {

class UpstreamRequest {
public:
    /// To one endpoint of the entry's upstream. Takes the connection's request text. `request` and
    /// `routed` must outlive it.
    UpstreamRequest(Request& request, const Routed& routed, const route::RouteEntry& entry,
                    std::size_t endpoint, const openai::StreamOptionsEdit& stream_options);
    UpstreamRequest(const UpstreamRequest&) = delete;
    UpstreamRequest& operator=(const UpstreamRequest&) = delete;

    /// For one gathered write.
    [[nodiscard]] std::span<const net::asio::const_buffer> buffers() const noexcept {
        return std::span(buffers_).first(buffer_count_);
    }

private:
    openai::Rewritten body_;
    std::array<net::asio::const_buffer, openai::Rewritten::pieces_max + 1> buffers_;
    std::size_t buffer_count_ = 0;
};

}  // namespace sluicegate::gateway
