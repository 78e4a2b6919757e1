/// A response head: whole and byte by byte must end the same, and what was accepted must hold the
/// promises that the relay relies on.

#include "sluicegate/http/response_head.hpp"
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

void check_promises(const ResponseHead& head, Method request_method) {
    for (const Field& field : head.fields) {
        require(is_token(field.name) && is_field_value(field.value));
    }
    require(head.status >= 100 && head.status <= 599 && head.status != 101);
    require(head.fields.count("content-length") + head.fields.count("transfer-encoding") <= 1);
    require(head.framing != Framing::chunked || head.minor_version == 1);
    require(head.framing == Framing::content_length || head.content_length == 0);
    require(head.content_length <= std::numeric_limits<std::int64_t>::max());
    require(head.framing != Framing::until_close || !head.keep_alive);
    const bool has_no_body = request_method == Method::head || head.status < 200 ||
                             head.status == 204 || head.status == 304;
    require(has_no_body == (head.framing == Framing::none));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const HeadLimits limits{.head_bytes_max = 1024, .fields_max = 20};
    auto whole = find_response_head_end(bytes, 0, limits);
    for (std::size_t arrived = 1; arrived <= size; ++arrived) {
        auto part = find_response_head_end(bytes.substr(0, arrived), arrived - 1, limits);
        if (part && *part == 0) {
            require(arrived < size || (whole && *whole == 0));
            continue;
        }
        require(part.has_value() == whole.has_value());
        require(!part || (*part == *whole && *part == arrived));
        break;
    }
    const std::string_view complete = whole && *whole > 0 ? bytes.substr(0, *whole) : bytes;
    for (const Method method : {Method::post, Method::head}) {
        ResponseHead head;
        if (parse_response_head(complete, method, limits, head)) check_promises(head, method);
    }
    return 0;
}
