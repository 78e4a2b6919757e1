#pragma once
/// Bytes that have arrived and are not consumed yet: appended at the end, consumed at the front.
///
/// A few bytes more than the capacity are always readable, as SIMD parsers demand.
/// Wiping  bytes that have been in the buffer are zeroed before their memory is given back, because
///         they may hold keys. Of a buffer with a budget, which is for bodies, these are the bytes
///         within the initial capacity alone.
/// Growth  in place where the system can do it (realloc), so that large content is not held twice.
/// Budget  a buffer with one claims what it takes beyond its initial capacity, before it takes it.
/// Views   what unread() returned stays valid until make_room(), try_make_room(), fit() or shrink()
///         is called.

#include "sluicegate/base/memory_budget.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace sluicegate::net {

class ByteBuffer {
public:
    /// Readable bytes after the last one, without a meaning.
    static constexpr std::size_t padding = 64;

    explicit ByteBuffer(std::size_t initial_capacity) noexcept
        : initial_capacity_(initial_capacity) {}
    /// The budget must outlive it.
    ByteBuffer(std::size_t initial_capacity, MemoryBudget& budget,
               MemoryUse use = MemoryUse::request) noexcept
        : initial_capacity_(initial_capacity), claim_(std::in_place, budget, use) {}
    /// What it claims counts for `share`. Only with a budget.
    void charge_to(MemoryShare* share) noexcept { claim_->charge_to(share); }

    ByteBuffer(const ByteBuffer&) = delete;
    ByteBuffer& operator=(const ByteBuffer&) = delete;
    ~ByteBuffer() { wipe(); }

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
    /// The same, at least `wanted` of them; moves the unread bytes or takes more memory. With a
    /// budget, see try_make_room().
    std::span<char> make_room(std::size_t wanted) {
        if (data_ && capacity_ - end_ >= wanted) return room();
        move_to_front();
        if (!data_ || capacity_ - end_ < wanted) {
            const std::size_t larger = capacity_ == 0 ? initial_capacity_ : capacity_ * 2;
            set_capacity(std::max(larger, end_ + wanted));
        }
        return room();
    }
    /// The same; when the budget has not got as much, what is free without taking more. That may be
    /// nothing.
    [[nodiscard]] std::span<char> try_make_room(std::size_t wanted) {
        if (data_ && capacity_ - end_ >= wanted) return room();
        move_to_front();
        if (data_ && capacity_ - end_ >= wanted) return room();
        const std::size_t doubled = capacity_ == 0 ? initial_capacity_ : capacity_ * 2;
        const std::size_t needed = std::max(end_ + wanted, initial_capacity_);
        // Where twice as much is not left, what is needed may be.
        for (const std::size_t capacity : {std::max(doubled, needed), needed}) {
            if (!may_have(capacity)) continue;
            set_capacity(capacity);
            break;
        }
        return room();
    }
    void commit(std::size_t count) noexcept {
        end_ += count;
        touched_ = std::max(touched_, end_);
    }

    /// Gives back what is free behind the unread bytes, beyond the initial capacity.
    void fit() {
        move_to_front();
        const std::size_t fitting = std::max(end_, initial_capacity_);
        if (data_ && fitting < capacity_) set_capacity(fitting);
    }
    /// Forgets everything, and gives memory beyond the initial capacity back.
    void clear() noexcept {
        consume(size());
        shrink();
    }
    /// Gives memory beyond the initial capacity back when nothing is unread.
    void shrink() noexcept {
        if (!empty() || capacity_ <= initial_capacity_) return;
        wipe();
        data_.reset();
        capacity_ = begin_ = end_ = 0;
        if (claim_) static_cast<void>(claim_->resize(0));
    }
    /// Zeroes what was consumed, when nothing is unread.
    void wipe_consumed() noexcept {
        if (empty()) wipe();
    }

private:
    /// Of memory that realloc() made.
    struct Free {
        void operator()(char* bytes) const noexcept { std::free(bytes); }  // NOLINT(*-no-malloc)
    };

    void move_to_front() noexcept {
        if (begin_ == 0) return;
        std::memmove(data_.get(), data_.get() + begin_, size());
        end_ -= begin_;
        begin_ = 0;
    }
    void wipe() noexcept {
        const std::size_t wiped = claim_ ? std::min(touched_, initial_capacity_) : touched_;
        if (wiped > 0) ::explicit_bzero(data_.get(), wiped);
        touched_ = 0;
    }
    /// Claims a capacity that is larger than now.
    [[nodiscard]] bool may_have(std::size_t capacity) noexcept {
        return !claim_ || claim_->resize(capacity - std::min(capacity, initial_capacity_));
    }
    /// The unread bytes stand at the front.
    void set_capacity(std::size_t capacity) {
        // realloc() would leave the old bytes behind.
        const bool is_wiped = data_ && (!claim_ || capacity_ <= initial_capacity_);
        void* const old = is_wiped ? nullptr : data_.get();
        char* moved =
            static_cast<char*>(std::realloc(old, capacity + padding));  // NOLINT(*-no-malloc)
        if (moved == nullptr) throw std::bad_alloc();
        if (is_wiped) {
            std::memcpy(moved, data_.get(), end_);
            wipe();
            touched_ = end_;
        } else {
            static_cast<void>(data_.release());
        }
        data_.reset(moved);
        capacity_ = capacity;
        if (claim_) static_cast<void>(may_have(capacity));
    }

    std::size_t initial_capacity_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t touched_ = 0;  ///< so many bytes may have been written
    std::unique_ptr<char[], Free> data_;
    std::optional<MemoryClaim> claim_;  ///< what is taken beyond the initial capacity
};

}  // namespace sluicegate::net
