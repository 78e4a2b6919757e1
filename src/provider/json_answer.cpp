#include "sluicegate/provider/json_answer.hpp"

#include "sluicegate/openai/normalise_error.hpp"
#include "sluicegate/openai/stream_from_answer.hpp"

#include <utility>

namespace sluicegate::provider {

Result<JsonAnswer> judge_json(const config::Upstream& upstream, openai::Endpoint asked,
                              const openai::Inspection& inspection, std::string_view body,
                              bool is_delimited) {
    JsonAnswer answer{.facts = openai::facts_of_answer(asked, body)};
    if (!answer.facts.is_whole) {
        // Where the end of the connection ends the answer, only the text tells that it is cut.
        return fail(is_delimited ? ErrorKind::upstream_bad_response : ErrorKind::upstream_closed,
                    upstream.name + " sent JSON that is not whole");
    }
    if (!inspection.is_streaming) return answer;
    // An SDK that asked for a stream takes a JSON answer for an empty one.
    if (openai::error_in(body)) {
        return fail(ErrorKind::upstream_failed,
                    upstream.name + " answered a streamed request with an error and status 200");
    }
    auto events = openai::stream_of_answer(asked, body, inspection.wants_usage);
    if (!events) {
        return fail(ErrorKind::upstream_bad_response,
                    upstream.name + " answered a streamed request with JSON that is no answer");
    }
    answer.events = std::move(*events);
    return answer;
}

}  // namespace sluicegate::provider
