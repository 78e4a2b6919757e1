#pragma once
/// Why a head is refused, before it is known whose head it is: a response turns every flaw into
/// upstream_bad_response.

#include "sluicegate/base/error.hpp"

#include <optional>

namespace sluicegate::http {

struct Flaw {
    const char* detail;  ///< a constant sentence; no outside bytes reach the log through it
    ErrorKind kind = ErrorKind::bad_request;
};

using MaybeFlaw = std::optional<Flaw>;

}  // namespace sluicegate::http
