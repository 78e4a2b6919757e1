#pragma once
/// An answer in JSON that has arrived completely: whether it can be passed on, and in which form.

#include "sluicegate/base/redaction.hpp"
#include "sluicegate/base/result.hpp"
#include "sluicegate/config/upstream.hpp"
#include "sluicegate/http/response_head.hpp"
#include "sluicegate/openai/answer_facts.hpp"
#include "sluicegate/openai/inspect_request.hpp"

#include <string>
#include <string_view>

namespace sluicegate::provider {

struct JsonAnswer {
    openai::AnswerFacts facts;
    /// The same answer as the events that the client asked for; empty when it asked for JSON.
    std::string events = {};
    /// The answer, where it was put together from events or lost its byte order mark; else it is
    /// the upstream's body.
    std::string body = {};
};

/// The request that is answered.
struct AskedFor {
    openai::Endpoint endpoint;
    const openai::Inspection& inspection;
};

/// `is_delimited`: the end of the body was told by its length or its last chunk, and not by the end
/// of the connection.
/// Errors: upstream_closed and upstream_bad_response for JSON that is not whole; what
/// error_of_answer() says for an error and for JSON that is no answer.
[[nodiscard]] Result<JsonAnswer> judge_json(const config::Upstream& upstream,
                                            const Redaction& redaction, const AskedFor& asked,
                                            std::string_view body, bool is_delimited);

/// Events that came instead of JSON, put together. `events` is the whole stream, complete.
/// Errors: as for JSON; upstream_bad_response where they make no answer.
[[nodiscard]] Result<JsonAnswer> judge_events(const config::Upstream& upstream,
                                              const Redaction& redaction, const AskedFor& asked,
                                              std::string_view events);

/// Text that begins like JSON, is none or says nothing of an error, and was not called JSON: for an
/// endpoint of audio that is a transcript or a recording. `error` is why it is no answer in JSON.
[[nodiscard]] bool may_be_recording(const http::ResponseHead& head, openai::Endpoint asked,
                                    const Error& error) noexcept;

}  // namespace sluicegate::provider
