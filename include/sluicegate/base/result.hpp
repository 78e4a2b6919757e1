#pragma once
/// A value, or the Error that replaces it. Expected failures are returned in this way.
///
/// The names are std::expected's, so that this header can become an alias when the compiler floor
/// reaches C++23.

#include "sluicegate/base/error.hpp"

#include <cassert>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace sluicegate {

/// An Error on its way into a Result of any type.
struct Failure {
    Error error;
};

[[nodiscard]] inline Failure fail(Error error) {
    return Failure{std::move(error)};
}
[[nodiscard]] inline Failure fail(ErrorKind kind, std::string detail = {},
                                  std::string subject = {}) {
    return Failure{Error{.kind = kind,
                         .detail = std::move(detail),
                         .subject = std::move(subject),
                         .retry_after = {}}};
}

template <class T>
class [[nodiscard]] Result {
public:
    Result(const T& value) : state_(std::in_place_index<0>, value) {}
    Result(T&& value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Failure failure)
        : state_(std::in_place_index<1>, std::make_unique<Error>(std::move(failure.error))) {}

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] T& value() & {
        assert(has_value());
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] const T& value() const& {
        assert(has_value());
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] T&& value() && {
        assert(has_value());
        return std::move(*std::get_if<0>(&state_));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    [[nodiscard]] Error& error() & {
        assert(!has_value());
        return **std::get_if<1>(&state_);
    }
    [[nodiscard]] const Error& error() const& {
        assert(!has_value());
        return **std::get_if<1>(&state_);
    }
    /// The error, ready to be returned from a function with another result type.
    [[nodiscard]] Failure failure() && { return Failure{std::move(error())}; }

    /// What `next` makes of the value; the error, where there is no value.
    template <class Next>
    [[nodiscard]] auto and_then(Next&& next) && -> decltype(next(std::declval<T&&>())) {
        if (!has_value()) return std::move(*this).failure();
        return std::forward<Next>(next)(std::move(*this).value());
    }

private:
    /// An Error lies apart: a Result is in the frame of nearly every coroutine of a request, and
    /// Asio recycles small frames only.
    std::variant<T, std::unique_ptr<Error>> state_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Failure failure) : error_(std::make_unique<Error>(std::move(failure.error))) {}

    [[nodiscard]] bool has_value() const noexcept { return error_ == nullptr; }
    explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] Error& error() & {
        assert(!has_value());
        return *error_;
    }
    [[nodiscard]] const Error& error() const& {
        assert(!has_value());
        return *error_;
    }
    [[nodiscard]] Failure failure() && { return Failure{std::move(error())}; }

private:
    std::unique_ptr<Error> error_;
};

}  // namespace sluicegate
