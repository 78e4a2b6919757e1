#pragma once
/// A client that writes HTTP by hand: it sends any bytes in any pieces, and parses an answer as it
/// comes.
///
/// Waiting  read_* throw std::runtime_error when the deadline passes. The test then fails and shows
///          the bytes that had arrived.

#include "support/http_message.hpp"
#include "support/wire.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::support {

struct Response {
    int status = 0;  ///< 0: the connection ended before a head came
    MessageHead head;
    std::string body;
    std::vector<int> interim;  ///< the 1xx before it
    std::vector<std::size_t> chunk_sizes;
    BodyReader::Framing framing = BodyReader::Framing::none;
    /// The body was complete by its framing, and the framing was valid.
    bool is_complete = false;

    [[nodiscard]] std::string field(std::string_view name) const { return head.value(name); }
};

class TestClient {
public:
    explicit TestClient(std::uint16_t port, int receive_buffer = 0)
        : wire_(Wire::connect(port, Deadline(), receive_buffer)) {}
    /// Under TLS; throws when the handshake fails.
    TestClient(std::uint16_t port, SSL_CTX* context, const std::string& server_name);

    /// Sends all bytes. Returns how many the kernel has taken.
    std::size_t send(std::string_view bytes, Deadline deadline = Deadline()) {
        return wire_.write_all(bytes, deadline);
    }
    void send_in_pieces(std::string_view bytes, std::size_t piece);

    /// The next response to its end (or the connection's).
    Response read_response(std::string_view request_method = "POST",
                           Deadline deadline = Deadline());
    /// The next response's head; its body is read by the calls below.
    Response read_head(std::string_view request_method = "POST", Deadline deadline = Deadline());
    /// Reads the body of the response under way until its decoded part holds `text`; false when it
    /// ended without.
    [[nodiscard]] bool read_until(std::string_view text, Deadline deadline = Deadline());
    /// The rest of the response under way.
    Response read_rest(Deadline deadline = Deadline());
    /// Reads and drops until the connection ends, and says how.
    ReadEnd read_to_end(Deadline deadline = Deadline());
    /// Everything that arrives until the connection ends or the deadline passes.
    std::string read_raw(Deadline deadline = Deadline());
    /// Reads raw bytes until `text` was among them; false when the connection ended first.
    [[nodiscard]] bool read_raw_until(std::string_view text, Deadline deadline = Deadline());

    [[nodiscard]] Wire& wire() { return wire_; }
    /// Bytes that came after the last response.
    [[nodiscard]] const std::string& unread() const { return buffer_; }

private:
    /// False when the connection ended.
    bool read_more(Deadline deadline);

    Wire wire_;
    std::string buffer_;
    Response current_;
    BodyReader body_;
    bool is_over_ = false;
};

/// A request with Host, Content-Length and the given fields ("name: value\r\n" each).
[[nodiscard]] std::string request(std::string_view method, std::string_view target,
                                  std::string_view fields, std::string_view body = {});

}  // namespace sluicegate::support
