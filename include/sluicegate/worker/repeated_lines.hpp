#pragma once
/// Sums up the access lines of requests that showed no valid key, so that a flood of them cannot
/// fill a disk.
///
/// Lines    of each address and reason, the first few requests get a line each. Those that follow
///          are counted, and every few seconds one line says how many there were (`repeated`).
///          Nothing is left out: the lines and their `repeated` add up to all requests.
/// Bounds   `groups_max` pairs of address and reason at one time; what is beyond them is summed up
///          by reason alone.
/// Threads  one: the worker's.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/error.hpp"
#include "sluicegate/base/ids.hpp"
#include "sluicegate/net/stream.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluicegate::worker {

class RepeatedLines {
public:
    static constexpr std::size_t groups_max = 256;
    static constexpr unsigned own_lines = 3;
    static constexpr Milliseconds span{5000};

    /// A request that has ended.
    struct Ended {
        net::AddressBytes address{};
        ErrorKind reason = ErrorKind::internal;
        unsigned status = 0;
        RequestId id;
        std::string_view endpoint;  ///< a name that is never freed
    };

    /// True: it gets a line of its own. False: it has been counted.
    [[nodiscard]] bool note(const Ended& request, Instant now);
    /// Appends the lines that are due at `now`, each with its newline.
    void append_due(std::string& out, Instant now, WallTime wall);
    /// Appends all that has been counted.
    void append_all(std::string& out, WallTime wall);
    [[nodiscard]] bool empty() const noexcept { return groups_.empty(); }

private:
    /// Without an address: all that found no room.
    using Key = std::pair<std::optional<net::AddressBytes>, ErrorKind>;
    struct Group {
        Instant since{};
        unsigned lines = 0;
        std::int64_t repeated = 0;
        Ended latest;
    };

    std::map<Key, Group> groups_;
    Instant next_due_ = Instant::max();
};

}  // namespace sluicegate::worker
