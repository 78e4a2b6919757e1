#pragma once
/// The fields of one head, in order, without allocation.
///
/// Ownership  it holds views, so the bytes of the head must outlive its use.
/// Reuse      clear() is free. One table serves a whole connection.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluicegate::http {

struct Field {
    std::string_view name;
    std::string_view value;  ///< without the white space around it
};

class FieldTable {
public:
    static constexpr std::size_t capacity = 100;

    /// False if the table is full; then nothing is stored.
    [[nodiscard]] bool add(std::string_view name, std::string_view value) noexcept {
        if (size_ == capacity) return false;
        fields_[size_].name = name;
        fields_[size_].value = value;
        ++size_;
        names_ |= mark_of(name);
        return true;
    }
    void clear() noexcept {
        size_ = 0;
        names_ = 0;
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] const Field* begin() const noexcept { return fields_.data(); }
    [[nodiscard]] const Field* end() const noexcept { return fields_.data() + size_; }

    /// Value of the first field of that name; names compare case-insensitively.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept {
        if ((names_ & mark_of(name)) == 0) return std::nullopt;
        return find_among_all(name);
    }
    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;

private:
    /// One bit, chosen by the size and the first letter of a name. Nearly all names of a head
    /// differ in these.
    [[nodiscard]] static std::uint64_t mark_of(std::string_view name) noexcept {
        if (name.empty()) return 0;
        const auto letter = static_cast<unsigned char>(name.front()) & 0x1FU;
        return std::uint64_t{1} << ((name.size() * 5 + letter) % 64);
    }
    [[nodiscard]] std::optional<std::string_view> find_among_all(
        std::string_view name) const noexcept;

    std::array<Field, capacity> fields_;
    std::size_t size_ = 0;
    /// The marks of all names. Most names that are searched for are absent, and this shows it.
    std::uint64_t names_ = 0;
};

}  // namespace sluicegate::http
