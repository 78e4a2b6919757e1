#pragma once
/// The fields that decide where a message ends and whether its connection goes on.

#include "sluicegate/http/field_table.hpp"

#include "http/flaw.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluicegate::http {

struct FramingFields {
    std::uint64_t content_length = 0;  ///< 0 … 2^63-1
    bool has_content_length = false;
    bool is_chunked = false;
    // Tokens of Connection, RFC 9110 section 7.6.1.
    bool connection_close = false;
    bool connection_keep_alive = false;
    bool connection_upgrade = false;
    // Requests only.
    bool offers_websocket = false;  ///< Upgrade names it, RFC 9110 section 7.8
    std::size_t hosts = 0;
    std::string_view host;
    bool has_expect = false;
    bool expects_only_continue = true;

    [[nodiscard]] bool keeps_alive(unsigned minor_version) const noexcept {
        return !connection_close && (minor_version >= 1 || connection_keep_alive);
    }
};

/// Refuses every framing that two parsers could read differently. Transfer-Encoding: a value other
/// than `chunked`, in HTTP/1.0, or together with Content-Length. Content-Length: repeated (even if
/// equal), a list, or no plain number. Connection: no list of tokens. A name that is one of the two
/// but for letter case and for bytes that are neither letter nor digit: `Transfer_Encoding`.
[[nodiscard]] MaybeFlaw read_framing_fields(const FieldTable& fields, unsigned minor_version,
                                            FramingFields& out);

}  // namespace sluicegate::http
