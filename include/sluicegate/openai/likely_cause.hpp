#pragma once
/// Why a client may have asked for a URL that is not served.
///
/// Source  the URLs that SDKs and tools build; docs/clients.md has the same list for readers.

#include <string_view>

namespace sluicegate::openai {

/// A sentence for the client, or "". `path` is raw, without the query; it may have been cut.
[[nodiscard]] std::string_view likely_cause(std::string_view path) noexcept;

}  // namespace sluicegate::openai
