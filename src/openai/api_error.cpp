#include "sluicegate/openai/api_error.hpp"

#include "sluicegate/base/json_text.hpp"

namespace sluicegate::openai {
namespace {

void append_or_null(std::string& out, std::string_view text) {
    if (text.empty()) {
        out += "null";
    } else {
        append_json_string(out, text);
    }
}

void append_fields(std::string& out, const ApiError& error) {
    out += R"({"message":)";
    append_json_string(out, error.message);
    out += R"(,"type":)";
    append_json_string(out, error.type);
    out += R"(,"param":)";
    append_or_null(out, error.param);
    out += R"(,"code":)";
    append_or_null(out, error.code);
    out += '}';
}

}  // namespace

std::string error_body(const ApiError& error) {
    std::string out = R"({"error":)";
    append_fields(out, error);
    out += '}';
    return out;
}

std::string rejection_body(std::string_view words, bool has_text_code) {
    if (words.empty() && !has_text_code) return std::string(rate_limit_body);
    std::string out = R"({"error":{"message":)";
    append_json_string(out, words.empty() ? "Rate limit exceeded. Please try again later." : words);
    out += R"(,"type":"rate_limit_error",)";
    out += has_text_code ? R"("param":null,"code":"rate_limit_exceeded"}})" : R"("code":429}})";
    return out;
}

std::string stream_error(Endpoint endpoint, const ApiError& error, std::int64_t sequence_number) {
    std::string out;
    if (endpoint != Endpoint::responses) {
        out += "data: ";
        out += error_body(error);
        out += "\n\n";
        return out;
    }
    // The fields are flat, as in the API's own error event, and nested as well: both SDKs raise an
    // error only for the nested form.
    out += "event: error\ndata: ";
    out += R"({"type":"error","sequence_number":)";
    append_decimal(out, sequence_number);
    out += R"(,"code":)";
    append_or_null(out, error.code);
    out += R"(,"message":)";
    append_json_string(out, error.message);
    out += R"(,"param":)";
    append_or_null(out, error.param);
    out += R"(,"error":)";
    append_fields(out, error);
    out += "}\n\n";
    return out;
}

}  // namespace sluicegate::openai
