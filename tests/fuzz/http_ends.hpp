#pragma once
/// What both ends of a client's connection have seen, read message by message, so that a fuzz
/// target can say which answer belongs to which request.

#include "sluicegate/http/chunked_decoder.hpp"
#include "sluicegate/http/request_head.hpp"
#include "sluicegate/http/response_head.hpp"

#include "fuzz/require.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::fuzz {

/// One request as far as it was sent.
struct SentMessage {
    http::Method method = http::Method::get;
    bool is_complete = false;
    bool is_valid = true;  ///< false: what follows it has no meaning
    bool expects_continue = false;
    std::string_view text;
    std::string body;  ///< decoded
};

/// The body of a message at the front of `bytes`: how many of them it takes.
struct BodyEnd {
    std::size_t bytes = 0;
    bool is_complete = false;
    bool is_valid = true;
};

inline BodyEnd read_chunks(std::string_view bytes, ErrorKind kind, std::string& body) {
    http::ChunkedDecoder decoder(kind);
    BodyEnd end;
    while (end.bytes < bytes.size() && !decoder.done()) {
        auto step = decoder.decode(bytes.substr(end.bytes));
        if (!step) return {.bytes = bytes.size(), .is_complete = false, .is_valid = false};
        body += step->payload;
        end.bytes += step->consumed;
    }
    end.is_complete = decoder.done();
    return end;
}

inline BodyEnd read_length(std::string_view bytes, std::uint64_t length, std::string& body) {
    const bool is_complete = bytes.size() >= length;
    const std::size_t taken = is_complete ? static_cast<std::size_t>(length) : bytes.size();
    body = bytes.substr(0, taken);
    return {.bytes = taken, .is_complete = is_complete};
}

/// The requests in `sent`. The last one may be incomplete or invalid.
inline std::vector<SentMessage> messages_in(std::string_view sent) {
    std::vector<SentMessage> messages;
    while (!sent.empty()) {
        SentMessage& message = messages.emplace_back();
        message.text = sent;
        const auto head_end = http::find_request_head_end(sent, 0, {});
        http::RequestHead head;
        if (!head_end || *head_end == 0 ||
            !http::parse_request_head(sent.substr(0, *head_end), {}, head)) {
            message.is_valid = head_end && *head_end == 0;
            break;
        }
        message.method = head.method;
        message.expects_continue = head.expects_continue;
        const std::string_view rest = sent.substr(*head_end);
        const BodyEnd body = head.framing == http::Framing::chunked
                                 ? read_chunks(rest, ErrorKind::bad_request, message.body)
                                 : read_length(rest, head.content_length, message.body);
        message.is_complete = body.is_complete;
        message.is_valid = body.is_valid;
        message.text = sent.substr(0, *head_end + body.bytes);
        sent.remove_prefix(message.text.size());
    }
    return messages;
}

/// One answer as far as it has arrived.
struct GotAnswer {
    unsigned status = 0;
    std::string id;  ///< x-request-id
    std::string type;
    std::string body;          ///< decoded
    bool is_complete = false;  ///< as its framing says; never for one that ends with the connection
    bool keeps_open = false;
};

/// The answers in `received`, which belong to `messages` in their order. Ends the process where the
/// framing is wrong, where an answer has no request, and where bytes follow the last answer.
inline std::vector<GotAnswer> answers_in(std::string_view received,
                                         const std::vector<SentMessage>& messages) {
    std::vector<GotAnswer> answers;
    std::size_t continued = 0;
    while (!received.empty()) {
        require(answers.empty() || answers.back().keeps_open, "nothing follows the last answer");
        require(answers.size() < messages.size(), "each answer has a request");
        const SentMessage& message = messages[answers.size()];
        const auto head_end = http::find_response_head_end(received, 0, {});
        require(head_end.has_value(), "an answer has a head");
        if (*head_end == 0) break;  // of a write that is under way
        http::ResponseHead head;
        const bool is_head =
            http::parse_response_head(received.substr(0, *head_end), message.method, {}, head)
                .has_value();
        require(is_head, "the head of an answer follows the grammar");
        received.remove_prefix(*head_end);
        if (head.status < 200) {
            require(head.status == 100 && message.expects_continue, "100 is for those who ask");
            require(continued == answers.size(), "100 is said once");
            ++continued;
            continue;
        }
        continued = answers.size() + 1;
        GotAnswer& answer = answers.emplace_back();
        answer.status = head.status;
        answer.id = head.fields.find("x-request-id").value_or("");
        answer.type = head.fields.find("content-type").value_or("");
        answer.keeps_open = head.keep_alive;
        BodyEnd end{.bytes = 0, .is_complete = true};
        if (head.framing == http::Framing::chunked) {
            end = read_chunks(received, ErrorKind::upstream_bad_response, answer.body);
        } else if (head.framing == http::Framing::content_length) {
            end = read_length(received, head.content_length, answer.body);
        } else if (head.framing == http::Framing::until_close) {
            answer.body = received;
            end = {.bytes = received.size(), .is_complete = false};
        }
        require(end.is_valid, "the chunks of an answer follow the grammar");
        answer.is_complete = end.is_complete;
        answer.keeps_open = answer.keeps_open && end.is_complete;
        received.remove_prefix(end.bytes);
    }
    return answers;
}

}  // namespace sluicegate::fuzz
