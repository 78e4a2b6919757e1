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
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

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
    struct Entry {
        std::uint64_t id = 0;  ///< its hash
        Owner owner;
        Instant expires_at{};
    };
    using Ids = std::list<Entry>;  ///< of one user, the oldest first

    void make_room(std::uint64_t user);
    void add(const Entry& entry);
    void remove(Ids::iterator entry);

    const Bounds bounds_;
    mutable std::mutex mutex_;
    std::unordered_map<std::uint64_t, Ids> users_;
    std::unordered_map<std::uint64_t, Ids::iterator> ids_;      ///< by the id's hash
    std::set<std::pair<std::size_t, std::uint64_t>> by_count_;  ///< ids of a user, and the user
};

}  // namespace sluicegate::route
