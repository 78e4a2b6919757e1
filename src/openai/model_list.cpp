#include "sluicegate/openai/model_list.hpp"

#include "sluicegate/base/json_text.hpp"

namespace sluicegate::openai {
namespace {

void append_model(std::string& out, const ListedModel& model) {
    out += R"({"id":)";
    append_json_string(out, model.id);
    out += R"(,"object":"model","created":)";
    append_decimal(out, model.created);
    out += R"(,"owned_by":"sluicegate")";
    out += model.info;
    out += '}';
}

}  // namespace

std::string models_list_body(std::span<const ListedModel> models) {
    std::string out = R"({"object":"list","data":[)";
    bool is_first = true;
    for (const ListedModel& model : models) {
        if (!is_first) out += ',';
        is_first = false;
        append_model(out, model);
    }
    out += "]}";
    return out;
}

std::string model_body(const ListedModel& model) {
    std::string out;
    append_model(out, model);
    return out;
}

}  // namespace sluicegate::openai
