#pragma once
/// Who made a response or a conversation that an upstream keeps, and where. All users share one
/// account at an upstream, so only this table can tell whose an id is.
///
/// Bounds    ids_max ids in all, each for age_max. When the table is full, the user with the most
///           ids loses its oldest; so a user that makes many cannot drive out those of others.
/// Unknown   an id that was never seen here, or no more, has no owner: it may pass.
/// Threads   any number; a mutex guards it. One call for each answer that has an id, and one for
///           each request that names one.
/// Source    docs/security.md

#include "sluicegate/base/clock.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluicegate::route {

class ResponseOwners {
public:
    struct Bounds {
        std::size_t ids_max = 65'536;
        Milliseconds age_max = std::chrono::days(30);  ///< how long OpenAI keeps a response
    };
    /// Numbers that are the same for the same names in every process.
    struct Owner {
        std::uint64_t user = 0;      ///< user_key()
        std::uint64_t upstream = 0;  ///< name_key() of its name
        std::uint64_t endpoint = 0;  ///< EndpointState::id()

        friend bool operator==(const Owner&, const Owner&) = default;
    };

    ResponseOwners() : ResponseOwners(Bounds()) {}
    explicit ResponseOwners(Bounds bounds) : bounds_(bounds) {}

    /// An id that another user made stays with that user.
    void remember(std::string_view id, const Owner& owner, Instant now);
    [[nodiscard]] std::optional<Owner> find(std::string_view id, Instant now) const;
    [[nodiscard]] std::size_t size() const;

    [[nodiscard]] static std::uint64_t name_key(std::string_view name) noexcept;

private:
    using Place = std::uint32_t;
    static constexpr Place nowhere = ~Place{0};

    struct Entry {
        std::uint64_t id = 0;  ///< its hash
        Owner owner;
        Instant expires_at{};
        // Of the same user's.
        Place older = nowhere;
        Place newer = nowhere;
    };
    struct User {
        Place oldest = nowhere;
        Place newest = nowhere;
        std::size_t ids = 0;
    };

    void make_room(std::uint64_t user);
    void add(std::uint64_t id, const Owner& owner, Instant expires_at);
    void remove(Place place);
    void count(std::uint64_t user, User& ids, std::size_t next);

    const Bounds bounds_;
    mutable std::mutex mutex_;
    std::vector<Entry> entries_;
    std::vector<Place> free_;
    std::unordered_map<std::uint64_t, Place> places_;  ///< by the id's hash
    std::unordered_map<std::uint64_t, User> users_;
    std::set<std::pair<std::size_t, std::uint64_t>> by_count_;  ///< ids and user
};

}  // namespace sluicegate::route
