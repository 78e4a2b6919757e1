#include "sluicegate/config/body_policy.hpp"

#include <algorithm>
#include <array>

namespace sluicegate::config {
namespace {

// What LiteLLM, OpenRouter, Azure, vLLM and SGLang take from a body to choose for themselves.
// The OpenAI API has none of them but background, service_tier and the ids.
constexpr std::array names = std::to_array<std::string_view>({
    "api_base",
    "api_key",
    "api_type",
    "api_version",
    "aws_access_key_id",
    "aws_bedrock_runtime_endpoint",
    "aws_profile_name",
    "aws_region_name",
    "aws_role_name",
    "aws_secret_access_key",
    "aws_session_name",
    "aws_session_token",
    "aws_sts_endpoint",
    "aws_web_identity_token",
    "azure_ad_token",
    "azure_endpoint",
    "background",
    "base_url",
    "bootstrap_host",
    "bootstrap_port",
    "bootstrap_room",
    "client_secret",
    "container",
    "content_policy_fallbacks",
    "context_window_fallbacks",
    "custom_llm_provider",
    "data_sources",
    "deployment_id",
    "engine",
    "extra_body",
    "extra_headers",
    "fallbacks",
    "file_id",
    "file_ids",
    "gateway",
    "headers",
    "input_cost_per_token",
    "kv_transfer_params",
    "litellm_credential_name",
    "litellm_params",
    "lora_path",
    "lora_request",
    "mock_response",
    "mock_testing_fallbacks",
    "mock_tool_calls",
    "model_list",
    "models",
    "organization",
    "output_cost_per_token",
    "plugins",
    "preset",
    "priority",
    "provider",
    "provider_options",
    "proxy",
    "region_name",
    "route",
    "router_settings_override",
    "service_tier",
    "tags",
    "tenant_id",
    "user_config",
    "vector_store_id",
    "vector_store_ids",
    "vertex_credentials",
    "vertex_location",
    "vertex_project",
});
static_assert(std::ranges::is_sorted(names));

}  // namespace

std::span<const std::string_view> default_denied_fields() noexcept {
    return names;
}

}  // namespace sluicegate::config
