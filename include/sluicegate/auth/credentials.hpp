#pragma once
/// Finds the API key of a request: it must be in one of four header fields, exactly once.
///
/// Source  RFC 9110 11.4 and 11.6.2; docs of the OpenAI (Authorization), Azure (api-key), Anthropic
///         (x-api-key) and Gemini (x-goog-api-key) SDKs.

#include "sluicegate/base/result.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace sluicegate::auth {

/// The longest key that is accepted, in bytes. Keys of providers have at most about 200.
inline constexpr std::size_t key_bytes_max = 512;

/// The values of the credential fields of one request, without white space around them. They are
/// views into the request's head, which must outlive this object.
struct PresentedCredentials {
    std::optional<std::string_view> authorization;
    std::optional<std::string_view> api_key;
    std::optional<std::string_view> x_api_key;
    std::optional<std::string_view> x_goog_api_key;
    bool repeated = false;  ///< one of the fields came twice

    /// Records a header field if it is one of the four (in any case). True if it is.
    bool take(std::string_view name, std::string_view value) noexcept;
};

/// The key, a view into `presented`: 1 to key_bytes_max visible ASCII characters.
///
/// Errors  missing_api_key: no field, or an empty one (an SDK with an empty key sends `Bearer`
///         alone). invalid_authorization_header: more than one field, even with equal values; a
///         scheme other than Bearer; or a key outside the bounds above. No error contains any part
///         of a credential.
[[nodiscard]] Result<std::string_view> credential_of(const PresentedCredentials& presented);

}  // namespace sluicegate::auth
