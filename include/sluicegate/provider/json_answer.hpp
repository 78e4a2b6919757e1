#pragma once
/// An answer in JSON that has arrived completely: whether it can be passed on, and in which form.

#include "sluicegate/base/result.hpp"
#include "sluicegate/config/upstream.hpp"
#include "sluicegate/openai/answer_facts.hpp"
#include "sluicegate/openai/inspect_request.hpp"

#include <string>
#include <string_view>

namespace sluicegate::provider {

struct JsonAnswer {
    openai::AnswerFacts facts;
    /// The same answer as the events that the client asked for; empty when it asked for JSON.
    std::string events = {};
};

/// `inspection` is that of the request. `is_delimited`: the end of the body was told by its length
/// or its last chunk, and not by the end of the connection.
/// Errors: upstream_closed and upstream_bad_response for JSON that is not whole. Where a stream was
/// asked for: upstream_failed for an error, upstream_bad_response for JSON that is no answer.
[[nodiscard]] Result<JsonAnswer> judge_json(const config::Upstream& upstream,
                                            openai::Endpoint asked,
                                            const openai::Inspection& inspection,
                                            std::string_view body, bool is_delimited);

}  // namespace sluicegate::provider
