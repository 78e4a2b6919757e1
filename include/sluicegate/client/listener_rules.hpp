#pragma once
/// What holds for the connections of one listener.
///
/// A reload changes it for the connections that come later. Those that are open keep it, so that
/// they learn when their listener drains.
/// Threads  one: the worker's.

#include "sluicegate/net/tls.hpp"

namespace sluicegate::client {

struct ListenerRules {
    net::TlsContext tls{};  ///< null: plain
    bool has_proxy_header = false;
    /// The listener was removed, or its connections begin in another way now: a connection ends
    /// after the request that runs.
    bool is_draining = false;
};

}  // namespace sluicegate::client
