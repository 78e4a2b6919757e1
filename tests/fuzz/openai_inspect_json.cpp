/// Whatever inspect_json accepts, another parser accepts, and both read the same model and stream.

#include "sluicegate/openai/inspect_request.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sluicegate::openai;
    std::vector<char> bytes(data, data + size);
    bytes.resize(size + body_padding, '"');
    const std::string_view text(bytes.data(), size);
    auto found = inspect_json(Endpoint::completions, bytes.data(), size);
    // nlohmann skips a byte order mark and takes a NUL as the end; to us both are errors.
    const bool is_readable =
        !text.starts_with("\xEF\xBB\xBF") && text.find('\0') == std::string_view::npos;
    const bool is_json = is_readable && nlohmann::json::accept(text);
    if (!found) {
        // Our depth is bounded, so only shallow text must be accepted by both.
        const bool is_shallow = size <= json_depth_max;
        const bool said_not_json = found.error().kind == sluicegate::ErrorKind::invalid_json;
        if (said_not_json && is_json && is_shallow) std::abort();
        return 0;
    }
    if (!is_json) std::abort();
    const auto body = nlohmann::json::parse(text);
    if (body.at("model") != found->model) std::abort();
    if ((body.value("stream", nlohmann::json()) == true) != found->is_streaming) std::abort();
    const auto slice = [&](ByteRange range) { return text.substr(range.offset, range.size); };
    if (nlohmann::json::parse(slice(found->model_value)) != found->model) std::abort();
    if (found->has_stream_options) {
        const auto options = nlohmann::json::parse(slice(found->stream_options));
        if (options != body.at("stream_options")) std::abort();
        const auto usage = options.value("include_usage", nlohmann::json());
        if ((usage == true) != found->wants_usage) std::abort();
    }
    return 0;
}
