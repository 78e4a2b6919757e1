/// Whatever inspect_json accepts, another parser accepts, and both read the same model and stream;
/// and what rewrite makes of it differs in what was to be rewritten only.

#include "sluicegate/openai/inspect_request.hpp"
#include "sluicegate/openai/splice.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

/// Half a surrogate pair is let through; nlohmann refuses it. A copy in which each is another
/// escape of the same size.
std::string without_half_pairs(std::string_view text) {
    std::string out(text);
    const auto is_unit = [&](std::size_t at, std::string_view third_digits) {
        return out.size() - at >= 6 && out[at] == '\\' && out[at + 1] == 'u' &&
               (out[at + 2] == 'd' || out[at + 2] == 'D') &&
               third_digits.find(out[at + 3]) != std::string_view::npos;
    };
    for (std::size_t at = 0; at < out.size(); ++at) {
        if (out[at] != '\\') continue;
        const bool is_high = is_unit(at, "89abAB");
        if (is_high && out.size() - at >= 12 && is_unit(at + 6, "cdefCDEF")) {
            at += 11;
        } else if (is_high || is_unit(at, "cdefCDEF")) {
            out[at + 2] = '0';
            at += 5;
        } else {
            ++at;
        }
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sluicegate::openai;
    std::vector<char> bytes(data, data + size);
    bytes.resize(size + body_padding, '"');
    const std::string_view text(bytes.data(), size);
    const std::string readable = without_half_pairs(text);
    auto found = inspect_json(Endpoint::completions, bytes.data(), size);
    // nlohmann skips a byte order mark and takes a NUL as the end; to us both are errors.
    const bool is_readable =
        !text.starts_with("\xEF\xBB\xBF") && text.find('\0') == std::string_view::npos;
    const bool is_json = is_readable && nlohmann::json::accept(readable);
    if (!found) {
        // Our depth is bounded, so only shallow text must be accepted by both.
        const bool is_shallow = size <= json_depth_max;
        const bool said_not_json = found.error().kind == sluicegate::ErrorKind::invalid_json;
        // Half a pair in a key is refused, so only text without any must be accepted by both.
        if (said_not_json && is_json && is_shallow && readable == text) std::abort();
        return 0;
    }
    if (!is_json) std::abort();
    const auto body = nlohmann::json::parse(readable);
    if (body.at("model") != found->model) std::abort();
    if ((body.value("stream", nlohmann::json()) == true) != found->is_streaming) std::abort();
    const auto slice = [&](ByteRange range) {
        return std::string_view(readable).substr(range.offset, range.size);
    };
    if (nlohmann::json::parse(slice(found->model_value)) != found->model) std::abort();
    if (found->has_stream_options) {
        const auto options = nlohmann::json::parse(slice(found->stream_options));
        if (options != body.at("stream_options")) std::abort();
        const auto usage = options.value("include_usage", nlohmann::json());
        if ((usage == true) != found->wants_usage) std::abort();
    }

    // Another model and other options, and nothing else.
    const StreamOptionsEdit edit{.include_usage = size % 2 == 0,
                                 .continuous_usage_stats = size % 3 == 0};
    std::string written;
    const Rewritten rewritten = rewrite(*found, readable, "other", edit);
    for (const std::string_view piece : rewritten.pieces()) written += piece;
    if (written.size() != rewritten.size()) std::abort();
    auto wanted = body;
    wanted["model"] = "other";
    auto& options = wanted["stream_options"];
    if (edit.include_usage) options["include_usage"] = true;
    if (edit.continuous_usage_stats) options["continuous_usage_stats"] = true;
    if (!body.contains("stream_options") && options.is_null()) wanted.erase("stream_options");
    if (nlohmann::json::parse(written) != wanted) std::abort();
    return 0;
}
