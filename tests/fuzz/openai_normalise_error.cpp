/// Any upstream body becomes four bounded fields that are valid JSON and no HTML.

#include "sluicegate/openai/normalise_error.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sluicegate::openai;
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    const ApiError error = normalise_error(400, "application/json", body);
    if (error.message.empty() || error.message.size() > error_message_bytes_max) std::abort();
    if (error.message.find_first_not_of(" \t\r\n") == error.message.find('<')) std::abort();
    if (error.type.empty() || error.type.size() > error_field_bytes_max) std::abort();
    if (error.code.size() > error_field_bytes_max) std::abort();
    if (error.param.size() > error_field_bytes_max) std::abort();
    const auto parsed = nlohmann::json::parse(error_body(error));
    if (parsed["error"]["message"] != error.message) std::abort();
    (void)error_in(body);
    return 0;
}
