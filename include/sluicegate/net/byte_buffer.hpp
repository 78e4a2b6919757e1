#pragma once
/// Bytes that have arrived and are not consumed yet: appended at the end, consumed at the front.
///
/// A few bytes after the capacity are always readable, because SIMD parsers need that.
/// Views  the result of unread() is valid until make_room() or shrink() is called.

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace sluicegate::net {

class ByteBuffer {
public:
    /// Readable bytes after the last one, without a meaning.
    static constexpr std::size_t padding = 64;

    explicit ByteBuffer(std::size_t initial_capacity)
        : initial_capacity_(initial_capacity), capacity_(0) {}

    [[nodiscard]] std::string_view unread() const noexcept {
        return {data_.get() + begin_, end_ - begin_};
    }
    [[nodiscard]] char* data() noexcept { return data_.get() + begin_; }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }

    void consume(std::size_t count) noexcept {
        begin_ += count;
        if (begin_ == end_) begin_ = end_ = 0;
    }
    /// Drops all unread bytes after the first `count`.
    void truncate(std::size_t count) noexcept { end_ = begin_ + count; }

    /// Free bytes at the end, without moving anything.
    [[nodiscard]] std::span<char> room() noexcept { return {data_.get() + end_, capacity_ - end_}; }
    /// The same, but at least `wanted` bytes. It moves the unread bytes or allocates memory.
    std::span<char> make_room(std::size_t wanted) {
        if (capacity_ - end_ >= wanted && data_) return room();
        const std::size_t used = size();
        if (data_ && capacity_ - used >= wanted) {
            std::memmove(data_.get(), data_.get() + begin_, used);
        } else {
            std::size_t larger = capacity_ == 0 ? initial_capacity_ : capacity_ * 2;
            if (larger < used + wanted) larger = used + wanted;
            auto bytes = std::make_unique_for_overwrite<char[]>(larger + padding);
            if (used > 0) std::memcpy(bytes.get(), data_.get() + begin_, used);
            data_ = std::move(bytes);
            capacity_ = larger;
        }
        begin_ = 0;
        end_ = used;
        return room();
    }
    void commit(std::size_t count) noexcept { end_ += count; }

    /// Frees memory beyond the initial capacity if nothing is unread.
    void shrink() noexcept {
        if (!empty() || capacity_ <= initial_capacity_) return;
        data_.reset();
        capacity_ = begin_ = end_ = 0;
    }

private:
    std::size_t initial_capacity_;
    std::size_t capacity_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::unique_ptr<char[]> data_;
};

}  // namespace sluicegate::net
