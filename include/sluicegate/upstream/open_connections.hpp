#pragma once
/// How many descriptors the connections to upstreams take, of all workers together: those that
/// carry a request, are idle or are being made.
///
/// Threads  any.

#include <atomic>
#include <cstddef>
#include <functional>
#include <utility>

namespace sluicegate::upstream {

class OpenConnections {
public:
    class Hold;

    /// `most`: how many the descriptors of the process allow at the moment. Any thread calls it.
    explicit OpenConnections(std::function<std::size_t()> most) : most_(std::move(most)) {}
    OpenConnections(const OpenConnections&) = delete;
    OpenConnections& operator=(const OpenConnections&) = delete;

    [[nodiscard]] std::size_t count() const noexcept {
        return count_.load(std::memory_order_relaxed);
    }
    /// How many are too many: idle connections have to give way then.
    [[nodiscard]] std::size_t excess() const {
        const std::size_t most = most_();
        const std::size_t count = this->count();
        return count > most ? count - most : 0;
    }

private:
    std::function<std::size_t()> most_;
    std::atomic<std::size_t> count_{0};
};

/// What one connection takes.
class [[nodiscard]] OpenConnections::Hold {
public:
    /// Null counts nothing.
    Hold(OpenConnections* counted, std::size_t descriptors) noexcept
        : counted_(counted), descriptors_(descriptors) {
        if (counted_ != nullptr) {
            counted_->count_.fetch_add(descriptors_, std::memory_order_relaxed);
        }
    }
    Hold(Hold&& other) noexcept
        : counted_(std::exchange(other.counted_, nullptr)), descriptors_(other.descriptors_) {}
    Hold& operator=(Hold&&) = delete;
    ~Hold() {
        if (counted_ != nullptr) {
            counted_->count_.fetch_sub(descriptors_, std::memory_order_relaxed);
        }
    }

private:
    OpenConnections* counted_;
    std::size_t descriptors_;
};

}  // namespace sluicegate::upstream
