#include "sluicegate/provider/stream_options.hpp"

namespace sluicegate::provider {
namespace {

bool has_stream_options(openai::Endpoint endpoint) noexcept {
    return endpoint == openai::Endpoint::chat_completions ||
           endpoint == openai::Endpoint::completions;
}

}  // namespace

openai::StreamOptionsEdit stream_options_for(const config::Upstream& upstream,
                                             openai::Endpoint asked,
                                             const openai::Inspection& inspection,
                                             bool has_refused) noexcept {
    const bool takes_them = upstream.stream_options.value_or(!has_refused);
    if (!has_stream_options(asked) || !inspection.is_streaming || !takes_them) return {};
    return {.include_usage = !inspection.wants_usage,
            .continuous_usage_stats = upstream.continuous_usage};
}

openai::StreamCuts unwanted_usage(const config::Upstream& upstream, openai::Endpoint asked,
                                  const openai::Inspection& inspection) noexcept {
    if (!has_stream_options(asked) || inspection.wants_continuous_usage) {
        return {.usage_event = has_stream_options(asked) && !inspection.wants_usage};
    }
    if (!inspection.wants_usage) return {.usage_event = true, .usage_members = true};
    return {.progress_members = upstream.continuous_usage};
}

bool refuses_stream_options(std::string_view body) noexcept {
    const auto names = [body](std::string_view text) {
        return body.find(text) != std::string_view::npos;
    };
    return names("stream_options") || names("include_usage") || names("continuous_usage_stats");
}

}  // namespace sluicegate::provider
