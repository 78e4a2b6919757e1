#include "support/test_client.hpp"

#include <stdexcept>

namespace sluicegate::support {
namespace {

int status_of(const std::string& line) {
    const bool is_status_line = line.size() >= 12 && line.starts_with("HTTP/1.") &&
                                (line[7] == '0' || line[7] == '1') && line[8] == ' ';
    if (!is_status_line) throw std::runtime_error("not a status line: " + line);
    return std::stoi(line.substr(9, 3));
}

}  // namespace

TestClient::TestClient(std::uint16_t port, SSL_CTX* context, const std::string& server_name)
    : wire_(Wire::connect(port)) {
    if (!wire_.start_tls_client(context, server_name)) {
        throw std::runtime_error("the TLS handshake failed");
    }
}

void TestClient::send_in_pieces(std::string_view bytes, std::size_t piece) {
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        if (send(bytes.substr(at, piece)) == 0) return;
    }
}

bool TestClient::read_more(Deadline deadline) {
    if (is_over_) return false;
    ReadResult result = wire_.read_some(deadline);
    if (result.end == ReadEnd::timeout) {
        throw std::runtime_error("no answer before the deadline; so far: " +
                                 current_.head.start_line + " | " + body_.body() + " | " + buffer_);
    }
    if (result.end != ReadEnd::data) {
        is_over_ = true;
        if (result.end == ReadEnd::eof) body_.end_of_input();
        return false;
    }
    buffer_ += result.bytes;
    return true;
}

Response TestClient::read_head(std::string_view request_method, Deadline deadline) {
    current_ = {};
    body_ = {};
    for (;;) {
        std::optional<MessageHead> head;
        while (!(head = take_head(buffer_))) {
            if (!read_more(deadline)) return current_;
        }
        const int status = status_of(head->start_line);
        if (status / 100 == 1) {
            current_.interim.push_back(status);
            continue;
        }
        current_.status = status;
        current_.head = std::move(*head);
        body_ = BodyReader::for_response(current_.head, status, request_method);
        current_.framing = body_.framing();
        return current_;
    }
}

bool TestClient::read_until(std::string_view text, Deadline deadline) {
    for (;;) {
        body_.take(buffer_);
        if (body_.body().find(text) != std::string::npos) return true;
        if (body_.is_done() || body_.is_broken() || !read_more(deadline)) return false;
    }
}

Response TestClient::read_rest(Deadline deadline) {
    if (current_.status == 0) return current_;
    for (body_.take(buffer_); !body_.is_done() && !body_.is_broken(); body_.take(buffer_)) {
        if (!read_more(deadline)) break;
    }
    current_.body = body_.body();
    current_.chunk_sizes = body_.chunk_sizes();
    current_.is_complete = body_.is_done() && !body_.is_broken();
    return current_;
}

Response TestClient::read_response(std::string_view request_method, Deadline deadline) {
    read_head(request_method, deadline);
    return read_rest(deadline);
}

ReadEnd TestClient::read_to_end(Deadline deadline) {
    for (;;) {
        const ReadResult result = wire_.read_some(deadline);
        if (result.end != ReadEnd::data) return result.end;
    }
}

std::string TestClient::read_raw(Deadline deadline) {
    for (;;) {
        ReadResult result = wire_.read_some(deadline);
        if (result.end != ReadEnd::data) return std::move(buffer_);
        buffer_ += result.bytes;
    }
}

bool TestClient::read_raw_until(std::string_view text, Deadline deadline) {
    while (buffer_.find(text) == std::string::npos) {
        if (!read_more(deadline)) return false;
    }
    return true;
}

std::string request(std::string_view method, std::string_view target, std::string_view fields,
                    std::string_view body) {
    std::string out = std::string(method) + " " + std::string(target) +
                      " HTTP/1.1\r\nHost: gateway.test\r\n" + std::string(fields);
    if (!body.empty()) out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return out + "\r\n" + std::string(body);
}

}  // namespace sluicegate::support
