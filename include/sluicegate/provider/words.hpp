#pragma once
/// The words of an upstream, without the secrets that its requests carry.

#include "sluicegate/base/upstream_words.hpp"
#include "sluicegate/config/upstream.hpp"

#include <string_view>

namespace sluicegate::provider {

/// The secrets are the upstream's API key and the values of its configured headers.
[[nodiscard]] UpstreamWords words_of(const config::Upstream& upstream, std::string_view said);

}  // namespace sluicegate::provider
