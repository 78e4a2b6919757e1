#pragma once
/// Ids: dense numbers for users and models, and the id of a request.

#include <array>
#include <compare>
#include <cstdint>
#include <string_view>

namespace sluicegate {

/// Dense from 0. Each name gets one number, which is never reused while the process lives, so
/// counters keep their owner across reloads.
enum class UserId : std::uint32_t {};
enum class ModelId : std::uint32_t {};

/// `req_` and 24 hexadecimal digits; sent as x-request-id and found in every log line.
class RequestId {
public:
    static constexpr std::size_t size = 28;

    [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), text_.size()}; }

private:
    friend class RequestIdSource;
    std::array<char, size> text_{};
};

/// Makes request ids from a random 64-bit start and a mixed counter. Ids of one source never
/// repeat; ids of different processes do not collide in practice. They are not secret. Threads: one
/// source per thread.
class RequestIdSource {
public:
    /// Seeded from the operating system's random numbers.
    RequestIdSource();
    /// A chosen seed, for tests.
    explicit RequestIdSource(std::uint64_t seed) noexcept : seed_(seed) {}

    [[nodiscard]] RequestId next() noexcept;

private:
    std::uint64_t seed_;
    std::uint32_t count_ = 0;
};

}  // namespace sluicegate
