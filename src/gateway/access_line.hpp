#pragma once
/// The access log: one line of JSON for each request.

#include "gateway/request.hpp"

#include <string>

namespace sluicegate::gateway {

/// With its newline; docs/operations.md lists the fields. No key, no header, no body.
void append_access_line(std::string& out, const Request& request, Instant now);

}  // namespace sluicegate::gateway
