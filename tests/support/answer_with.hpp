#pragma once
/// The text of an HTTP/1.1 answer with a length.

#include <string>
#include <string_view>

namespace sluicegate::test {

/// `status` with its reason: "200 OK"; each of `fields` ends with CRLF.
inline std::string answer_with(std::string_view status, std::string_view fields,
                               std::string_view body) {
    std::string text = "HTTP/1.1 ";
    text += status;
    text += "\r\n";
    text += fields;
    text += "content-length: " + std::to_string(body.size()) + "\r\n\r\n";
    text += body;
    return text;
}

}  // namespace sluicegate::test
