#pragma once
/// What an upstream's answer is, told from its head and its first bytes.

#include "sluicegate/base/result.hpp"
#include "sluicegate/http/response_head.hpp"
#include "sluicegate/openai/endpoints.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate::provider {

[[nodiscard]] constexpr bool is_success(unsigned status) noexcept {
    return status >= 200 && status < 300;
}

/// Of an answer that is whole: nothing was asked for in parts, and a client reads no body behind
/// 205 (RFC 9110, 15.3.6 and 15.3.7).
[[nodiscard]] constexpr unsigned passed_status(unsigned status) noexcept {
    return status == 205 || status == 206 ? 200 : status;
}

[[nodiscard]] bool is_json(const http::ResponseHead& head) noexcept;

enum class AnswerForm : std::uint8_t {
    events,  ///< server-sent events
    json,    ///< one JSON value; for a request that asked for events, it is converted
    bytes,   ///< a recording, or a transcript as plain text: passed on as it comes
};

/// form_of() looks at so much of a body that begins with white space.
inline constexpr std::size_t beginning_bytes_max = 64 * 1024;

/// The beginning of a body is enough for form_of().
[[nodiscard]] bool tells_form(std::string_view beginning) noexcept;

/// What form_of() decides by.
struct AnswerBeginning {
    const http::ResponseHead& head;
    /// Of the body, without a content coding. Codings that the gateway reads are to be decoded
    /// before; of the others it holds what has arrived.
    std::string_view body;
    openai::Endpoint asked{};
    bool is_streaming = false;  ///< the client asked for events
};

/// The form of a success, told from its first bytes: type and coding are hints for what they do not
/// tell. `upstream` is its name, for the log.
/// Errors: upstream_bad_response for an answer that is none of the three, for pages, and for what
/// is compressed: neither usage nor events could be read from it.
[[nodiscard]] Result<AnswerForm> form_of(const std::string& upstream,
                                         const AnswerBeginning& answer);

}  // namespace sluicegate::provider
