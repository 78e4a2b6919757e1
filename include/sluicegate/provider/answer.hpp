#pragma once
/// What the head of an upstream's answer says of the answer.

#include "sluicegate/base/result.hpp"
#include "sluicegate/http/response_head.hpp"
#include "sluicegate/openai/endpoints.hpp"

#include <cstdint>
#include <string>

namespace sluicegate::provider {

[[nodiscard]] constexpr bool is_success(unsigned status) noexcept {
    return status >= 200 && status < 300;
}

[[nodiscard]] bool is_json(const http::ResponseHead& head) noexcept;

enum class AnswerForm : std::uint8_t {
    events,  ///< server-sent events
    json,    ///< one JSON value; for a request that asked for events, it is converted
    bytes,   ///< a recording, or a transcript as plain text: passed on as it comes
};

/// The form of a success. `upstream` is its name, for the log.
/// Errors: upstream_bad_response for an answer that is none of the three, and for JSON or events
/// in an encoding other than identity: neither usage nor events could be read from them.
[[nodiscard]] Result<AnswerForm> form_of(const std::string& upstream,
                                         const http::ResponseHead& head, openai::Endpoint asked,
                                         bool is_streaming);

}  // namespace sluicegate::provider
