#pragma once
/// The request of an active health check, and what its answer says.

#include "sluicegate/base/secret.hpp"
#include "sluicegate/config/upstream.hpp"
#include "sluicegate/http/method.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sluicegate::provider {

/// GET for a path, POST for a question to a model. The question is one that the model can answer,
/// as far as its name tells: a completion of few tokens, an embedding, a ranking, a moderation. For
/// models of pictures and sound it is a GET of the list of models.
[[nodiscard]] http::Method health_method(const config::HealthCheck& check);

/// Head and body. `upstream` has a health check; `endpoint` is an index into its endpoints. Secret,
/// because the upstream's API key is in it.
[[nodiscard]] Secret health_request(const config::Upstream& upstream, std::size_t endpoint);

/// Why an answer with this status is no sign of health; "" when it is one. What a server says of
/// itself is repeated; what it says of our key is not. A 400, 413, 415 or 422 about the question to
/// a model is no sign against it: the server has read the question.
[[nodiscard]] std::string why_unhealthy(const config::Upstream& upstream, unsigned status,
                                        std::string_view body);

}  // namespace sluicegate::provider
