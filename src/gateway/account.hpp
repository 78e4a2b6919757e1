#pragma once
/// A request has ended: its metrics, and its line in the access log.

#include "gateway/counters.hpp"

namespace sluicegate::gateway {

void account(Request& request, Counters& counters);

}  // namespace sluicegate::gateway
