#include "sluicegate/client/answer_head.hpp"
#include "sluicegate/client/event_writer.hpp"
#include "sluicegate/openai/metering.hpp"

#include "gateway/relay.hpp"
#include "gateway/settle.hpp"

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
        std::string& out = request.client.connection.answer_text();
        begin_passed_answer(out, request, exchange.head());
        co_return co_await client::write_complete(request.client, out, exchange.body(), false);
    }
    if (!request.client.events) {
        request.client.events = new_event_writer(request, answered.endpoint, &exchange.head());
    }
    client::EventWriter& events = *request.client.events;
    const bool is_written = co_await events.write(attempt.json()->events, true, true);
    co_return is_written && events.stays_open();
}

}  // namespace sluicegate::gateway
