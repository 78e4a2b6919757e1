#pragma once
/// The places for the client connections of all workers together, and which connection gives way
/// when they are taken.
///
/// Strangers  connections that have shown no valid key yet. Every connection begins as one. They
///            never hold more than nine of ten places: the rest is reserved for connections that
///            have shown a valid key.
/// Giving way where no place is free for a new connection, a stranger loses its place to it, on
///            whichever worker it is: of the address that has most strangers, the one that has been
///            idle longest; of several such addresses, that of the longest idle one. So the flood
///            of one address takes no place from another. A stranger that never sent anything has
///            been idle since it was accepted. A connection that has shown a valid key keeps its
///            place.
/// Address    as AddressTable::key_of() has it.
/// Threads    any; one mutex, taken when a connection begins, ends or first shows a valid key.
/// Ownership  links only. The worker that owns a connection ends it.

#include "sluicegate/net/stream.hpp"

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace sluicegate::client {

class ConnectionPlaces {
public:
    class Grant;
    class Owner;
    class Link;

    explicit ConnectionPlaces(std::size_t most) noexcept { set_most(most); }
    ConnectionPlaces(const ConnectionPlaces&) = delete;
    ConnectionPlaces& operator=(const ConnectionPlaces&) = delete;

    /// Before the first connection. At least one place.
    void set_most(std::size_t most) noexcept;
    [[nodiscard]] std::size_t most() const noexcept { return most_; }
    /// How many are taken at the moment; without the mutex.
    [[nodiscard]] std::size_t taken() const noexcept {
        return taken_.load(std::memory_order_relaxed);
    }

    /// A place for a new connection from `address`. With `takes_over`, a stranger gives way even
    /// where a place is free. Nothing when all places belong to connections that have shown a valid
    /// key.
    [[nodiscard]] std::optional<Grant> take(const net::AddressBytes& address,
                                            bool takes_over = false);

private:
    enum class Side : std::uint8_t { none, stranger, known, given_way };

    struct Tag;
    using Hook =
        boost::intrusive::list_base_hook<boost::intrusive::tag<Tag>,
                                         boost::intrusive::link_mode<boost::intrusive::safe_link>>;
    using Links = boost::intrusive::list<Link, boost::intrusive::base_hook<Hook>,
                                         boost::intrusive::constant_time_size<false>>;

    /// The strangers of one address.
    struct Group : boost::intrusive::set_base_hook<> {
        net::AddressBytes address{};
        std::size_t count = 0;  ///< with grants
        Links by_idle_time;     ///< the longest idle first
    };
    /// The first to give way comes first.
    struct GivesWayBefore {
        bool operator()(const Group& one, const Group& other) const noexcept;
    };
    using Ranking = boost::intrusive::multiset<Group, boost::intrusive::compare<GivesWayBefore>,
                                               boost::intrusive::constant_time_size<false>>;

public:
    /// What a connection is here.
    class Link : public Hook {
    public:
        Link() = default;
        Link(const Link&) = delete;
        Link& operator=(const Link&) = delete;

    private:
        friend class ConnectionPlaces;
        Side side_ = Side::none;
        Owner* owner_ = nullptr;
        Group* group_ = nullptr;        ///< of a stranger
        std::uint64_t idle_since_ = 0;  ///< of a stranger: counts up
    };

    /// The connections of one worker that have to give way. Must outlive its connections.
    class Owner {
    public:
        /// `wake` makes the worker's thread call next_to_end() until it returns null; any thread
        /// calls it.
        Owner(ConnectionPlaces& places, std::function<void()> wake)
            : places_(places), wake_(std::move(wake)) {}
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;

        /// A connection that has lost its place and is to be closed; null when there is none left.
        [[nodiscard]] Link* next_to_end() noexcept;

    private:
        friend class ConnectionPlaces;
        ConnectionPlaces& places_;
        std::function<void()> wake_;
        Links giving_way_;
    };

    /// A place that no connection has yet; given back unless a connection takes it.
    class [[nodiscard]] Grant {
    public:
        Grant(Grant&& other) noexcept
            : places_(std::exchange(other.places_, nullptr)),
              group_(other.group_),
              is_from_other_(other.is_from_other_) {}
        Grant& operator=(Grant&&) = delete;
        ~Grant();

        /// Another connection gives way for it.
        [[nodiscard]] bool is_from_other() const noexcept { return is_from_other_; }

    private:
        friend class ConnectionPlaces;
        Grant(ConnectionPlaces& places, Group& group, bool is_from_other) noexcept
            : places_(&places), group_(&group), is_from_other_(is_from_other) {}
        ConnectionPlaces* places_;
        Group* group_;
        bool is_from_other_;
    };

    // --- one connection; its worker's thread ---

    /// The connection begins, as a stranger that is idle from now on.
    void add(Link& link, Owner& owner, Grant grant) noexcept;
    /// The connection ends, and its place is free, unless it had lost it.
    void remove(Link& link) noexcept;
    /// A proxy has named the client: the connection counts for this address from now on.
    void move_to(Link& link, const net::AddressBytes& address);
    /// It has shown a valid key.
    void note_known(Link& link) noexcept;
    /// A stranger has been answered: its idle time begins anew.
    void note_answered(Link& link) noexcept;

private:
    /// What decides the rank of a group changes only within `change`. A group without strangers
    /// ends.
    template <typename Change>
    void update(Group& group, const Change& change) noexcept;
    /// The stranger that gives way; null where there is none.
    [[nodiscard]] Link* next_to_give_way() noexcept;
    void unlink_stranger(Link& link) noexcept;
    void change_taken(std::ptrdiff_t by) noexcept {
        taken_.store(taken_.load(std::memory_order_relaxed) + static_cast<std::size_t>(by),
                     std::memory_order_relaxed);
    }

    std::mutex mutex_;
    std::size_t most_ = 1;
    std::size_t strangers_most_ = 1;
    std::atomic<std::size_t> taken_{0};  ///< written under the mutex
    std::size_t strangers_ = 0;
    std::uint64_t idle_times_ = 0;  ///< the latest idle_since_
    std::map<net::AddressBytes, Group> groups_;
    Ranking ranking_;
};

}  // namespace sluicegate::client
