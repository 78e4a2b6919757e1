#include "sluicegate/openai/stream_from_answer.hpp"

#include "openai/answer_to_events.hpp"
#include "openai/bounded_json.hpp"

namespace sluicegate::openai {

std::optional<std::string> stream_of_answer(Endpoint endpoint, std::string_view json,
                                            bool wants_usage) {
    const EventJson answer = parse_bounded<EventJson>(json, converted_answer_bytes_max);
    if (!answer.is_object()) return std::nullopt;
    switch (endpoint) {
        case Endpoint::chat_completions: return chat_events(answer, wants_usage);
        case Endpoint::completions: return completion_events(answer, wants_usage);
        case Endpoint::responses: return response_events(answer);
        default: return std::nullopt;
    }
}

}  // namespace sluicegate::openai
