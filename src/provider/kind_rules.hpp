#pragma once
/// How the requests to the kinds of upstream differ: one row for each kind. Everything else is the
/// same for all kinds.

#include "sluicegate/config/upstream.hpp"
#include "sluicegate/openai/endpoints.hpp"

#include <span>
#include <string>
#include <string_view>

namespace sluicegate::provider {

/// A field of every request.
struct KindField {
    std::string_view name;  ///< lower case
    std::string_view value;
};

struct KindRules {
    config::UpstreamKind kind;
    /// Sent with every request; a field of the same name among `headers` replaces it.
    std::span<const KindField> fields;
    /// Appends the path: what stands before the query. `prefix` is the path of the base URL,
    /// `model` the upstream's name for the model.
    void (*append_path)(std::string& out, const config::Upstream& upstream, std::string_view prefix,
                        openai::Endpoint asked, std::string_view model);
    /// The query parameter that carries api_version; "" where there is none. A client's parameter
    /// of that name is not passed on.
    std::string_view version_parameter;
};

[[nodiscard]] const KindRules& rules_of(config::UpstreamKind kind) noexcept;

}  // namespace sluicegate::provider
