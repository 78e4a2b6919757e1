#pragma once
/// The head of a request as the upstream gets it: written anew from checked parts.

#include "sluicegate/config/upstream.hpp"
#include "sluicegate/http/request_head.hpp"
#include "sluicegate/openai/endpoints.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sluicegate::provider {

/// All of them live until the call returns.
struct RequestParts {
    const config::Upstream& upstream;
    std::size_t endpoint;  ///< index into upstream.endpoints
    openai::Endpoint asked;
    std::string_view model;         ///< the upstream's name for it
    const http::RequestHead& head;  ///< the client's
    std::string_view query;         ///< the client's, or what of it may be looked at
    std::string_view fixed_fields;  ///< what fixed_fields() says of the upstream's endpoint
    std::string_view request_id;
    std::size_t body_bytes;
    /// Of a form, made of characters that RFC 2046 allows; "" where the body is JSON.
    std::string_view boundary = {};
    /// Instead of the client's Idempotency-Key; "" where it sent none. All users share one account,
    /// so a key as the client wrote it could fetch the answer to another user's request.
    std::string_view idempotency_key = {};
};

/// Request line and fields, with the blank line that ends them. Of the client's fields only those
/// on a short list are passed on, each once. A field that the operator configured replaces them.
/// Content-Type is not among them: its parameters could mean more to an upstream than was checked.
void append_request_head(std::string& out, const RequestParts& parts);

}  // namespace sluicegate::provider
