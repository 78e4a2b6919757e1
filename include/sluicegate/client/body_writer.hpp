#pragma once
/// Writes an answer's body piece by piece: with a length, chunked, or until the connection ends
/// for HTTP/1.0 clients. The head leaves together with the first piece.

#include "sluicegate/client/exchange.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::client {

class BodyWriter {
public:
    /// `head` is begun, without framing and blank line; it must outlive the writer. `length` is
    /// the body's, when it is known.
    BodyWriter(Exchange& exchange, std::string& head, std::optional<std::int64_t> length);

    /// One gathered write. `is_last` ends the body; a piece may be empty then. False when the
    /// client has gone.
    net::Task<bool> write(std::string_view piece, bool is_last);
    /// The head, and so the status, is with the client.
    [[nodiscard]] bool has_begun() const noexcept { return has_begun_; }
    /// A missing end shows: false only for HTTP/1.0 clients, where the end of the connection is
    /// the end of the body.
    [[nodiscard]] bool is_delimited() const noexcept { return is_delimited_; }
    /// After the last piece: the connection may carry another request.
    [[nodiscard]] bool stays_open() const noexcept { return stays_open_; }

private:
    Exchange& exchange_;
    std::string& head_;
    bool is_chunked_;
    bool is_delimited_;
    bool stays_open_;
    bool has_begun_ = false;
};

}  // namespace sluicegate::client
