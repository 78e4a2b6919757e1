#include "sluicegate/openai/metering.hpp"

#include "gateway/answer_head.hpp"
#include "gateway/event_writer.hpp"
#include "gateway/relay.hpp"
#include "gateway/stages.hpp"

#include <utility>

namespace sluicegate::gateway {

net::Task<bool> relay_json(Request& request, Answered& answered) {
    Attempt& attempt = *answered.attempt;
    const upstream::Exchange& exchange = attempt.exchange();
    const openai::AnswerFacts& facts = attempt.json()->facts;
    request.record.finish_reason = facts.finish_reason;
    note_usage(request, answered.endpoint, facts.usage, openai::tokens_of_text(facts.output_bytes),
               UsageSource::estimated);
    complete(request, answered);
    if (!request.record.is_streaming) {
        std::string& out = request.client.answer_text();
        begin_passed_answer(out, request, exchange.head());
        co_return co_await write_complete(request, out, exchange.body(), false);
    }
    if (!request.events) request.events = std::make_unique<EventWriter>(request, &exchange.head());
    const bool is_written = co_await request.events->write(attempt.json()->events, true, true);
    co_return is_written&& request.events->stays_open();
}

}  // namespace sluicegate::gateway
