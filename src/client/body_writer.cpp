#include "sluicegate/client/body_writer.hpp"

#include "sluicegate/client/answer_head.hpp"
#include "sluicegate/http/head_writer.hpp"

#include <array>

namespace sluicegate::client {

namespace asio = net::asio;

BodyWriter::BodyWriter(Exchange& exchange, std::string& head, std::optional<std::int64_t> length)
    : exchange_(exchange),
      head_(head),
      is_chunked_(!length && exchange.head().minor_version >= 1),
      is_delimited_(length || is_chunked_),
      stays_open_(is_delimited_ && wants_to_stay(exchange)) {
    append_connection(head_, exchange_, stays_open_);
    if (length) http::append_field(head_, "content-length", *length);
    if (is_chunked_) http::append_field(head_, "transfer-encoding", "chunked");
    http::append_head_end(head_);
}

net::Task<bool> BodyWriter::write(std::string_view piece, bool is_last) {
    static constexpr std::string_view line_end = "\r\n";
    static constexpr std::string_view last_chunk = "0\r\n\r\n";
    // The head is sent once; afterwards its string serves for the sizes of chunks.
    if (has_begun_) head_.clear();
    has_begun_ = true;
    const bool has_chunk = is_chunked_ && !piece.empty();
    if (has_chunk) http::append_chunk_size(head_, piece.size());
    const std::array buffers{
        asio::const_buffer(head_.data(), head_.size()),
        asio::const_buffer(piece.data(), piece.size()),
        asio::const_buffer(line_end.data(), has_chunk ? line_end.size() : 0),
        asio::const_buffer(last_chunk.data(), is_chunked_ && is_last ? last_chunk.size() : 0)};
    exchange_.sent.body_bytes += piece.size();
    const bool is_written = co_await exchange_.write(buffers);
    if (!is_written) exchange_.sent.error = exchange_.connection.why_ended();
    co_return is_written;
}

}  // namespace sluicegate::client
