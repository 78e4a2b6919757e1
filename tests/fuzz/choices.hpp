#pragma once
/// Takes the decisions of a fuzz target out of its input, from the front. An input that has ended
/// answers with zeros.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluicegate::fuzz {

class Choices {
public:
    Choices(const std::uint8_t* data, std::size_t size) noexcept
        : rest_(reinterpret_cast<const char*>(data), size) {}

    [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }
    std::uint8_t byte() noexcept {
        const std::string_view one = bytes(1);
        return one.empty() ? 0 : static_cast<std::uint8_t>(one.front());
    }
    /// 0 … below - 1
    std::size_t below(std::size_t below) noexcept { return byte() % below; }
    bool flag() noexcept { return (byte() & 1U) != 0; }
    std::string_view bytes(std::size_t size) noexcept {
        const std::string_view taken = rest_.substr(0, std::min(size, rest_.size()));
        rest_.remove_prefix(taken.size());
        return taken;
    }
    /// The line, without its LF.
    std::string_view line() noexcept {
        const std::string_view taken = bytes(rest_.find('\n'));
        bytes(1);
        return taken;
    }
    std::string_view rest() noexcept { return bytes(rest_.size()); }

private:
    std::string_view rest_;
};

}  // namespace sluicegate::fuzz
