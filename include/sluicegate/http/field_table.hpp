#pragma once
/// The fields of one head, in order, without allocation.
///
/// Ownership  holds views; the bytes of the head must outlive the table's use.
/// Reuse      clear() keeps nothing but costs nothing; one table serves a whole connection.

#include <array>
#include <cstddef>
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

    /// False when the table is full; nothing is stored then.
    [[nodiscard]] bool add(std::string_view name, std::string_view value) noexcept {
        if (size_ == capacity) return false;
        fields_[size_].name = name;
        fields_[size_].value = value;
        ++size_;
        return true;
    }
    void clear() noexcept { size_ = 0; }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] const Field* begin() const noexcept { return fields_.data(); }
    [[nodiscard]] const Field* end() const noexcept { return fields_.data() + size_; }

    /// Value of the first field of that name; names compare case-insensitively.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;

private:
    std::array<Field, capacity> fields_;
    std::size_t size_ = 0;
};

}  // namespace sluicegate::http
