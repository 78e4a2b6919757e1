#pragma once
/// Ids: dense numbers for users and models, and the id of a request.

#include <array>
#include <compare>
#include <cstddef>
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

/// Makes request ids of the operating system's random bytes. One id tells nothing of another:
/// neither how many were made nor what the next will be. Two of 2^40 ids are equal with a chance of
/// 2^-17. Threads: one source per thread.
class RequestIdSource {
public:
    [[nodiscard]] RequestId next() noexcept;

private:
    static constexpr std::size_t id_bytes = (RequestId::size - 4) / 2;

    std::array<unsigned char, 84 * id_bytes> random_{};  ///< one call of the system fills it
    std::size_t used_ = random_.size();
};

}  // namespace sluicegate
