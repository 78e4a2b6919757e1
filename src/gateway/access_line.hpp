#pragma once
/// The access log: one line of JSON for each request.

#include "gateway/request.hpp"

#include <string>
#include <string_view>

namespace sluicegate::gateway {

/// Method, path, model and user agent of a request that is refused, in the client's own words. Its
/// head, if it cannot be read, is at the front of the connection's buffer.
void note_asked(Request& request, std::string_view model);
/// With its newline; docs/operations.md lists the fields. No key, no header, no body.
void append_access_line(std::string& out, const Request& request, Instant now);

}  // namespace sluicegate::gateway
