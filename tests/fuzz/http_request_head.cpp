/// A request head: whole and byte by byte must end the same, and what was accepted must hold the
/// promises that later stages rely on.

#include "sluicegate/http/request_head.hpp"
#include "sluicegate/http/syntax.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string_view>

namespace {

using namespace sluicegate::http;

void require(bool holds) {
    if (!holds) std::abort();
}

bool points_into(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() &&
                            part.data() + part.size() <= whole.data() + whole.size());
}

void check_promises(const RequestHead& head, std::string_view bytes, const HeadLimits& limits) {
    require(head.fields.size() <= limits.fields_max);
    for (const Field& field : head.fields) {
        require(is_token(field.name) && is_field_value(field.value));
        require(points_into(field.name, bytes) && points_into(field.value, bytes));
    }
    require(head.method != Method::connect);
    require(head.path == "*" || head.path.starts_with('/'));
    require(head.target.starts_with(head.path));
    require(head.target.find_first_of(" #\\") == std::string_view::npos);
    require(head.fields.count("content-length") + head.fields.count("transfer-encoding") <= 1);
    require((head.framing == Framing::chunked) == (head.fields.count("transfer-encoding") == 1));
    require(head.framing == Framing::content_length || head.content_length == 0);
    require(head.content_length <= std::numeric_limits<std::int64_t>::max());
    require(head.minor_version == 0 || head.fields.count("host") == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const HeadLimits limits{
        .head_bytes_max = 1024, .fields_max = 20, .request_line_bytes_max = 200};
    auto whole = find_request_head_end(bytes, 0, limits);
    for (std::size_t arrived = 1; arrived <= size; ++arrived) {
        auto part = find_request_head_end(bytes.substr(0, arrived), arrived - 1, limits);
        if (part && *part == 0) {
            require(arrived < size || (whole && *whole == 0));
            continue;
        }
        require(part.has_value() == whole.has_value());
        require(part ? *part == *whole && *part == arrived
                     : part.error().kind == whole.error().kind);
        break;
    }
    RequestHead head;
    const std::string_view complete = whole && *whole > 0 ? bytes.substr(0, *whole) : bytes;
    if (parse_request_head(complete, limits, head)) check_promises(head, complete, limits);
    return 0;
}
