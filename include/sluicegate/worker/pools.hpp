#pragma once
/// The pools of one worker, found by what their connections depend on.
///
/// Threads  one: the worker's.

#include "sluicegate/net/resolver.hpp"
#include "sluicegate/upstream/pool.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

namespace sluicegate::worker {

class Pools {
public:
    explicit Pools(const upstream::Services& services) : services_(services) {}
    Pools(const Pools&) = delete;
    Pools& operator=(const Pools&) = delete;

    /// The pool of an endpoint: the one that exists, with its warm connections, or a new one.
    /// `endpoint` is its index in the settings; `tls` is null for plain endpoints.
    [[nodiscard]] std::shared_ptr<upstream::Pool> find_or_make(const config::Upstream& settings,
                                                               std::size_t endpoint,
                                                               const net::TlsContext& tls);
    /// From here on, pools are marked when they are found; retire_unmarked() ends the others.
    void begin_marking() noexcept { ++generation_; }
    void retire_unmarked() noexcept;
    /// Once a second: closes what is not fit any more, and makes what is missing.
    void sweep(Instant now) noexcept;
    void retire_all() noexcept;

private:
    struct Kept {
        std::shared_ptr<upstream::Pool> pool;
        std::uint64_t generation = 0;
    };

    upstream::Services services_;
    std::uint64_t generation_ = 0;
    std::unordered_multimap<std::string, Kept> pools_;  ///< by upstream and endpoint
};

}  // namespace sluicegate::worker
