#pragma once
/// What a request has cost: the best figure known, for the limits and for the record.

#include "gateway/attempt.hpp"

namespace sluicegate::gateway {

/// Notes what an answer has cost: what the upstream reported or, with the source that `otherwise`
/// names, the estimate of the prompt and `counted_output`.
void note_usage(Request& request, openai::Endpoint endpoint,
                const std::optional<openai::Usage>& reported, std::int64_t counted_output,
                UsageSource otherwise);

/// Replaces what was reserved by what note_usage() has noted: nothing, if nothing was. Once: later
/// calls do nothing. An answer is settled before its last byte leaves, so that a client that has
/// all of it finds its place free.
void settle(Request& request, limit::Reservation& reservation);

/// The answer is complete: settles it, notes that its endpoint has done well, and leaves the place
/// there to the next. Before the last byte leaves, as settle().
void complete(Request& request, Answered& answered);

}  // namespace sluicegate::gateway
