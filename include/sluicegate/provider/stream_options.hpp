#pragma once
/// The usage of a stream: how it is asked for, and what the client must not see of it.
///
/// Without usage the tokens of a stream could only be estimated. So sluicegate asks for usage where
/// the client did not, and cuts it out of what the client gets.

#include "sluicegate/config/upstream.hpp"
#include "sluicegate/openai/inspect_request.hpp"
#include "sluicegate/openai/splice.hpp"
#include "sluicegate/openai/sse_scanner.hpp"

#include <string_view>

namespace sluicegate::provider {

/// What to change in the options of a request to `asked`. `has_refused` says that the upstream was
/// seen to refuse stream_options. It does not count where the operator has configured the matter.
[[nodiscard]] openai::StreamOptionsEdit stream_options_for(const config::Upstream& upstream,
                                                           openai::Endpoint asked,
                                                           const openai::Inspection& inspection,
                                                           bool has_refused) noexcept;

/// Usage that the client did not ask for, whether sluicegate asked for it or it comes by itself. A
/// client that asked for the usage gets it at whatever place the upstream puts it; only what
/// sluicegate asked for while the stream goes on is cut.
[[nodiscard]] openai::StreamCuts unwanted_usage(const config::Upstream& upstream,
                                                openai::Endpoint asked,
                                                const openai::Inspection& inspection) noexcept;

/// The body of a 4xx names stream_options or one of its members.
[[nodiscard]] bool refuses_stream_options(std::string_view body) noexcept;

}  // namespace sluicegate::provider
