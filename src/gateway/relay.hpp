#pragma once
/// The answer on its way back: JSON that is complete or the stream that it was turned into, events,
/// a rejection, and everything else as it arrives.

#include "gateway/settle.hpp"

namespace sluicegate::gateway {

/// Passes the answer on. Settles before the last byte leaves; what ended otherwise is settled by
/// the caller.
net::Task<Ended> relay(Request& request, const Routed& routed, Attempt& attempt,
                       Settlement& settlement);

/// The part of it for event streams: whole events only, until the stream says that it is complete.
/// Reserves more while the answer grows.
net::Task<Ended> relay_events(Request& request, const Routed& routed, Attempt& attempt,
                              Settlement& settlement);

}  // namespace sluicegate::gateway
