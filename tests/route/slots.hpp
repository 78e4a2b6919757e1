#pragma once
/// Slots of an endpoint, as tests of leases and of the registry take them.

#include "sluicegate/route/lease.hpp"
#include "sluicegate/route/upstream_handle.hpp"

#include "route/support.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

namespace sluicegate::test {

/// A slot of an endpoint that must be free.
inline route::Lease take(const route::UpstreamHandle& upstream, std::size_t endpoint = 0) {
    EXPECT_TRUE(upstream.endpoints()[endpoint]->slots.try_take());
    return {upstream, endpoint, route::AttemptKind::ordinary, at(0)};
}

inline std::uint32_t in_flight(const route::UpstreamHandle& upstream, std::size_t endpoint = 0) {
    return upstream.endpoints()[endpoint]->slots.in_flight();
}

/// Opens the breaker of an endpoint.
inline void open(const route::UpstreamHandle& upstream, std::size_t endpoint, std::int64_t ms) {
    for (int i = 0; i < 3; ++i) {
        upstream.endpoints()[endpoint]->report(route::Outcome::connect_failed,
                                               route::AttemptKind::ordinary, none, at(ms));
    }
    ASSERT_EQ(upstream.endpoints()[endpoint]->health(at(ms)), route::Health::open);
}

}  // namespace sluicegate::test
