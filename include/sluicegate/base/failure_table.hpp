#pragma once
/// What each failure means, in one row: how a client is told of it, and what it means for the
/// attempt at an upstream that ended with it.
///
/// A new kind of failure is a member of ErrorKind and a row here. The compiler asks for the row and
/// for each of its fields.
///
/// Source  docs/request-path.md has the rules for readers; a test compares the two.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/error.hpp"
#include "sluicegate/base/outcome.hpp"

#include <cstdint>
#include <string_view>

namespace sluicegate {

/// What the client's SDK is told about sending the request again.
enum class SdkRetry : std::uint8_t {
    never,           ///< `x-should-retry: false`: the same request would fail again, or cost again
    allowed,         ///< after the wait that the error carries, if it carries one
    after_a_second,  ///< the same, but never earlier than in a second
    by_the_limit,    ///< when the limit that refused lets the next request in
};

enum class ConnectionAfter : std::uint8_t {
    stays,
    ends,  ///< where the next message would start is unknown, or the client should go elsewhere
};

/// What the reply gives as the name of the parameter that is wrong.
enum class WrongParameter : std::uint8_t {
    none,
    model,
    subject,
    word,  ///< of the subject the first word …
    rest,  ///< … and what follows it
};

/// The answer that a client gets.
struct FailureReply {
    unsigned status;
    std::string_view type;
    std::string_view code;
    /// Names in braces stand for a part of the error: {subject}; {word} and {rest}, the first word
    /// of the subject and what follows it; {upstream}, the upstream's words; {cause}, why a client
    /// may have sent the URL of the subject. What is in square brackets is left out when one of
    /// them is empty.
    std::string_view message;
    SdkRetry sdk_retry;
    ConnectionAfter connection;
    WrongParameter parameter = WrongParameter::none;
    /// Of a 401: the field WWW-Authenticate (RFC 9110, 11.6.1; RFC 6750, 3.1 has the error codes).
    std::string_view challenge = {};
};

/// Whether another attempt may follow.
enum class NextAttempt : std::uint8_t {
    none,     ///< the request would end so everywhere
    free,     ///< the upstream did no work, so the retry budget is not charged
    charged,  ///< it counts against the retry budget
};

enum class Begun : std::uint8_t {
    no,      ///< the upstream refused, or was never reached
    maybe,   ///< once the request was sent, the upstream may have worked on it
    likely,  ///< once it was sent, the upstream probably works on it still
};

/// How much it helps a client to be told of this failure instead of another. The last helps most.
enum class Usefulness : std::uint8_t {
    operators_matter,  ///< only an operator can mend it
    timeout,           ///< an SDK would pay for the request again
    no_connection,     ///< it took too long to connect
    broken,            ///< it may be gone in a moment
    overloaded,
    rate_limited,  ///< it passes by itself, at a known time
};

/// What it means for the attempt. For failures that no attempt ends with, `not_of_an_attempt`.
struct FailureOfAttempt {
    Outcome outcome;
    NextAttempt next;
    Begun begun;
    Usefulness usefulness;
};

struct FailureRow {
    ErrorKind kind;
    std::string_view name;  ///< snake_case, for logs and metrics: stable
    Fault fault;
    FailureReply reply;
    FailureOfAttempt attempt;
};

/// SDKs disagree about longer waits: some hammer, some sleep for hours.
inline constexpr Milliseconds sdk_wait_max{60'000};

[[nodiscard]] const FailureRow& failure_row(ErrorKind kind) noexcept;

}  // namespace sluicegate
