#include "sluicegate/openai/inspect_request.hpp"

#include "openai/content_type.hpp"

namespace sluicegate::openai {
namespace {

bool is_json(const ContentType& type) noexcept {
    // With another charset an upstream would read other text than was checked here.
    if (type.charset && *type.charset != "utf-8" && *type.charset != "utf8") return false;
    return type.media_type == "application/json" ||
           (type.media_type.starts_with("application/") && type.media_type.ends_with("+json"));
}

/// What the client should send instead, for the message of the error.
std::string media_types_of(Endpoint endpoint, std::string_view content_type) {
    std::string out = content_type.empty() ? "it is missing, send " : "send ";
    if (takes_json(endpoint)) out += "application/json";
    if (takes_json(endpoint) && takes_multipart(endpoint)) out += " or ";
    if (takes_multipart(endpoint)) out += "multipart/form-data with a boundary";
    return out;
}

}  // namespace

Result<Inspection> inspect(Endpoint endpoint, std::string_view content_type, const char* data,
                           std::size_t size, const FieldNames& names,
                           std::string_view default_model) {
    // Fast path: every SDK sends exactly this.
    if (content_type == "application/json" && takes_json(endpoint)) {
        return inspect_json(endpoint, data, size, names, default_model);
    }
    const std::optional<ContentType> type = parse_content_type(content_type);
    if (type && takes_json(endpoint) && is_json(*type))
        return inspect_json(endpoint, data, size, names, default_model);
    if (type && takes_multipart(endpoint) && type->media_type == "multipart/form-data") {
        return inspect_multipart(endpoint, content_type, std::string_view(data, size), names,
                                 default_model);
    }
    return fail(ErrorKind::unsupported_media_type, "not a media type of this endpoint",
                media_types_of(endpoint, content_type));
}

}  // namespace sluicegate::openai
