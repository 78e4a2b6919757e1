#pragma once
/// A value, or the Error that replaces it. Expected failures are returned in this way.
///
/// The names are std::expected's, so that this header can become an alias when the compiler floor
/// reaches C++23.

#include "sluicegate/base/error.hpp"

#include <cassert>
#include <optional>
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
    Result(Failure failure) : state_(std::in_place_index<1>, std::move(failure.error)) {}

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
        return *std::get_if<1>(&state_);
    }
    [[nodiscard]] const Error& error() const& {
        assert(!has_value());
        return *std::get_if<1>(&state_);
    }
    /// The error, ready to be returned from a function with another result type.
    [[nodiscard]] Failure failure() && { return Failure{std::move(error())}; }

private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Failure failure) : error_(std::move(failure.error)) {}

    [[nodiscard]] bool has_value() const noexcept { return !error_.has_value(); }
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
    /// Optional, so that success, which every level of a request's coroutines moves, costs one
    /// byte.
    std::optional<Error> error_;
};

}  // namespace sluicegate
