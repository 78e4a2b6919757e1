#pragma once
/// A task that the test has started, and whose outcome it takes when it is there.

#include "sluicegate/net/spawn.hpp"
#include "sluicegate/net/types.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace sluicegate::test {

/// Far more than anything here takes: only a test that hangs meets it.
inline constexpr std::chrono::seconds patience{20};

/// Runs everything that can go on without the passing of time or a new event.
inline void settle(net::asio::io_context& context) {
    context.restart();
    context.poll();
}

template <class T>
class RunningTask {
public:
    RunningTask(net::asio::io_context& context, net::Task<T> task)
        : context_(context), outcome_(std::make_shared<std::optional<T>>()) {
        net::spawn(context, keep(std::move(task), outcome_), "test");
        settle(context);
    }

    [[nodiscard]] bool is_done() {
        settle(context_);
        return outcome_->has_value();
    }
    /// Runs the context until the task has ended.
    T take() {
        const auto give_up_at = std::chrono::steady_clock::now() + patience;
        while (!outcome_->has_value() && std::chrono::steady_clock::now() < give_up_at) {
            context_.restart();
            context_.run_one_for(std::chrono::milliseconds(100));
        }
        if (!outcome_->has_value()) throw std::runtime_error("a task does not end");
        return std::move(**outcome_);
    }

private:
    static net::Task<void> keep(net::Task<T> task, std::shared_ptr<std::optional<T>> outcome) {
        auto value = co_await std::move(task);
        outcome->emplace(std::move(value));
    }

    net::asio::io_context& context_;
    std::shared_ptr<std::optional<T>> outcome_;
};

template <class T>
T run(net::asio::io_context& context, net::Task<T> task) {
    return RunningTask<T>(context, std::move(task)).take();
}

/// Runs the context until `is_true()`; false when it does not come true.
template <class Condition>
[[nodiscard]] bool run_until(net::asio::io_context& context, Condition is_true) {
    const auto give_up_at = std::chrono::steady_clock::now() + patience;
    while (!is_true()) {
        if (std::chrono::steady_clock::now() > give_up_at) return false;
        context.restart();
        context.run_one_for(std::chrono::milliseconds(10));
    }
    return true;
}

}  // namespace sluicegate::test
