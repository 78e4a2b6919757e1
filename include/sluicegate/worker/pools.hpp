#pragma once
/// The pools of one worker, found by what their connections depend on.
///
/// Threads  one: the worker's.

#include "sluicegate/net/resolver.hpp"
#include "sluicegate/upstream/pool.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace sluicegate::worker {

class Pools {
public:
    explicit Pools(const upstream::Services& services) : services_(services) {}
    Pools(const Pools&) = delete;
    Pools& operator=(const Pools&) = delete;

    /// The pool of an endpoint: the one that exists, with its warm connections, or a new one.
    /// Only what its connections depend on decides; everything else is put into the kept pool.
    /// `endpoint` is its index in the settings; `tls` is null for plain endpoints.
    [[nodiscard]] std::shared_ptr<upstream::Pool> find_or_make(
        const upstream::Pool::Settings& settings, std::size_t endpoint, net::TlsContext tls);
    /// From here on, pools are marked when they are found; retire_unmarked() ends the others.
    void begin_marking() noexcept;
    /// Looks at some pools and closes some connections, `most` together; false: call again. No pool
    /// is made meanwhile.
    [[nodiscard]] bool retire_unmarked(std::size_t most) noexcept;
    /// Once a second: closes what is not fit any more, and makes what is missing.
    void sweep(Instant now) noexcept;
    /// At most `most`, whichever pools they are in.
    void close_longest_idle(std::size_t most) noexcept;
    void retire_all() noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return pools_.size(); }

private:
    struct Kept {
        std::shared_ptr<upstream::Pool> pool;
        std::uint64_t generation = 0;
    };

    upstream::Services services_;
    std::uint64_t generation_ = 0;
    /// A tree, because it never stops to hash everything anew.
    using Map = std::multimap<std::string, Kept>;
    Map pools_;                              ///< by upstream and endpoint
    std::optional<Map::iterator> retiring_;  ///< what retire_unmarked() looks at next
    /// By upstream; a look-up takes the registry's lock.
    std::unordered_map<std::string, std::shared_ptr<upstream::Pool::Counters>> counters_;
};

}  // namespace sluicegate::worker
