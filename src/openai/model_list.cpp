#include "sluicegate/openai/model_list.hpp"

#include "sluicegate/base/json_text.hpp"

namespace sluicegate::openai {
namespace {

void append_model(std::string& out, std::string_view id, std::int64_t created) {
    out += R"({"id":)";
    append_json_string(out, id);
    out += R"(,"object":"model","created":)";
    append_decimal(out, created);
    out += R"(,"owned_by":"sluicegate"})";
}

}  // namespace

std::string models_list_body(std::span<const std::string_view> ids, std::int64_t created) {
    std::string out = R"({"object":"list","data":[)";
    bool is_first = true;
    for (const std::string_view id : ids) {
        if (!is_first) out += ',';
        is_first = false;
        append_model(out, id, created);
    }
    out += "]}";
    return out;
}

std::string model_body(std::string_view id, std::int64_t created) {
    std::string out;
    append_model(out, id, created);
    return out;
}

}  // namespace sluicegate::openai
