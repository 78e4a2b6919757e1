#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/openai/model_list.hpp"

#include "gateway/answer_head.hpp"
#include "gateway/stages.hpp"

#include <string>
#include <vector>

namespace sluicegate::gateway {
namespace {

Result<std::string> body_for(const Request& request, const Identified& identified) {
    const Snapshot& config = request.config();
    if (identified.match.endpoint == openai::Endpoint::model_get) {
        const ModelEntry* model = config.find_model(identified.match.model_id);
        if (model == nullptr || !auth::may_use(*identified.key, model->id)) {
            return fail(ErrorKind::model_not_found, {}, identified.match.model_id);
        }
        return openai::model_body(model->settings->name, config.created);
    }
    std::vector<std::string_view> names;
    for (const ModelEntry& model : config.models) {
        if (auth::may_use(*identified.key, model.id)) names.push_back(model.settings->name);
    }
    return openai::models_list_body(names, config.created);
}

}  // namespace

net::Task<bool> answer_models(Request& request, const Identified& identified) {
    auto body = body_for(request, identified);
    if (!body) co_return co_await reply_error(request, std::move(body.error()));
    request.record.status = 200;
    std::string& out = request.client.answer_text();
    begin_answer(out, request, 200);
    http::append_field(out, "content-type", "application/json");
    co_return co_await write_complete(request, out, *body, false);
}

}  // namespace sluicegate::gateway
