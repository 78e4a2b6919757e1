#include "http/outcome.hpp"

#include <algorithm>
#include <sstream>

namespace sluicegate::http {
namespace {

constexpr std::string_view accepted = "accepted";

std::string_view name_of_framing(Framing framing) {
    switch (framing) {
        case Framing::none: return "none";
        case Framing::content_length: return "content_length";
        case Framing::chunked: return "chunked";
        case Framing::until_close: return "until_close";
    }
    return "?";
}

void describe_fields(std::ostringstream& out, const FieldTable& fields) {
    for (const Field& field : fields) out << "\n" << field.name << "=" << field.value << "|";
}

std::string describe(const RequestHead& head, std::size_t size) {
    std::ostringstream out;
    out << accepted << " " << name_of(head.method) << " " << head.target << " path=" << head.path
        << " query=" << head.query << " 1." << head.minor_version << " host=" << head.host
        << " framing=" << name_of_framing(head.framing) << " length=" << head.content_length
        << " keep_alive=" << head.keep_alive << " expects=" << head.expects_continue
        << " websocket=" << head.is_websocket_handshake << " size=" << size;
    describe_fields(out, head.fields);
    return out.str();
}

std::string describe(const ResponseHead& head, std::size_t size) {
    std::ostringstream out;
    out << accepted << " " << head.status << " 1." << head.minor_version
        << " framing=" << name_of_framing(head.framing) << " length=" << head.content_length
        << " keep_alive=" << head.keep_alive << " size=" << size;
    describe_fields(out, head.fields);
    return out.str();
}

/// Simulates a reader that gets `bytes` in pieces. Returns the size of the head, or the outcome.
template <class FindEnd>
Result<std::size_t> feed(std::string_view bytes, const Arrival& arrival, const FindEnd& find_end) {
    std::size_t searched = 0;
    while (searched < bytes.size()) {
        const std::size_t arrived = std::min(bytes.size(), searched + arrival(searched));
        // A separate copy, so that a sanitizer detects a read beyond the arrived bytes.
        const std::string buffer(bytes.substr(0, arrived));
        Result<std::size_t> size = find_end(buffer, searched);
        if (!size || *size != 0) return size;
        searched = arrived;
    }
    return std::size_t{0};
}

std::string refused(const Error& error) {
    return std::string(name_of(error.kind)) + ": " + error.detail;
}

}  // namespace

std::size_t all_at_once(std::size_t) {
    return std::string_view::npos / 2;
}
std::size_t byte_by_byte(std::size_t) {
    return 1;
}

std::string request_outcome(std::string_view bytes, const Arrival& arrival,
                            const HeadLimits& limits) {
    const auto size = feed(bytes, arrival, [&limits](std::string_view seen, std::size_t searched) {
        return find_request_head_end(seen, searched, limits);
    });
    if (!size) return refused(size.error());
    if (*size == 0) return "incomplete";
    const std::string head_bytes(bytes.substr(0, *size));
    RequestHead head;
    const auto parsed = parse_request_head(head_bytes, limits, head);
    return parsed ? describe(head, *size) : refused(parsed.error());
}

std::string response_outcome(std::string_view bytes, Method request_method, const Arrival& arrival,
                             const HeadLimits& limits) {
    const auto size = feed(bytes, arrival, [&limits](std::string_view seen, std::size_t searched) {
        return find_response_head_end(seen, searched, limits);
    });
    if (!size) return refused(size.error());
    if (*size == 0) return "incomplete";
    const std::string head_bytes(bytes.substr(0, *size));
    ResponseHead head;
    const auto parsed = parse_response_head(head_bytes, request_method, limits, head);
    return parsed ? describe(head, *size) : refused(parsed.error());
}

std::string verdict(const std::string& outcome) {
    return outcome.substr(0, outcome.find_first_of(" :"));
}

}  // namespace sluicegate::http
