/// What a proxy sends before a connection's first byte: the reader never takes a byte behind the
/// header, in whatever pieces it comes, and each header has one meaning. The first byte chooses the
/// pieces.

#include "sluicegate/client/proxy_header.hpp"

#include "fuzz/choices.hpp"
#include "fuzz/growth.hpp"
#include "fuzz/require.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace sluicegate;
using fuzz::require;

/// The header at the beginning of `bytes`; nothing for an error, or an end in the middle of it.
std::optional<std::string> header_in(std::string_view bytes, std::size_t step) {
    std::string header;
    for (;;) {
        const auto missing = client::proxy_header_missing(header);
        if (!missing) return std::nullopt;
        require(header.size() + *missing <= client::proxy_header_bytes_max, "it is bounded");
        if (*missing == 0) return header;
        const std::string_view left = bytes.substr(header.size());
        if (left.empty()) return std::nullopt;
        header += left.substr(0, std::min(*missing, step));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Choices choices(data, size);
    const std::size_t step = std::size_t{1} + choices.byte();
    const std::string_view bytes = choices.rest();
    const fuzz::GrowthCheck growth(
        size, {.base_bytes = 100'000, .held_per_byte = 20, .taken_per_byte = 2000});
    const auto whole = header_in(bytes, bytes.size() + 1);
    require(whole == header_in(bytes, step), "pieces make no difference");
    const auto parsed = client::parse_proxy_header(bytes);
    require(!parsed || whole == std::string(bytes), "a header ends where its reader ends");
    if (!whole) return 0;
    require(bytes.starts_with(*whole), "a header is a beginning");
    const auto source = client::parse_proxy_header(*whole);
    if (!source) {
        require(source.error().kind == ErrorKind::bad_request, "one kind of error");
        require(source.error().detail.size() < 100, "the reason is short");
        return 0;
    }
    require(!*source || !(*source)->is_unspecified(), "a source is a host");
    const bool is_text = whole->starts_with("PROXY ");
    require(!*source || !is_text || whole->find(' ') != std::string::npos, "a line has words");
    return 0;
}
