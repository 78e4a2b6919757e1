#pragma once
/// Why a head is refused. Requests and responses share this code: for a response every flaw becomes
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
