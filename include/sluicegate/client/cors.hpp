#pragma once
/// What a browser needs before it lets a page of another origin call and read the answers:
/// `server.cors`.
///
/// Source  the Fetch standard, 3.2 (https://fetch.spec.whatwg.org/#http-cors-protocol).

#include "sluicegate/client/exchange.hpp"

#include <string>

namespace sluicegate::client {

/// The fields of an answer to `exchange`: which origin may read it, and which fields of it. Nothing
/// without `server.cors`; no origin for one that is not listed.
void append_cors(std::string& out, const Exchange& exchange);

/// A browser asks whether a page may send a request: it has no key, and is answered before the path
/// is judged, so that a page can read why its request fails. Never without `server.cors`.
[[nodiscard]] bool is_preflight(const Exchange& exchange);
/// Whether its origin is listed.
[[nodiscard]] bool allows_origin(const Exchange& exchange);
/// 204, with what the page may send.
net::Task<bool> answer_preflight(Exchange& exchange);

}  // namespace sluicegate::client
