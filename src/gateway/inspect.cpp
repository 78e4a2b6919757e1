#include "sluicegate/openai/inspect_request.hpp"

#include "gateway/stages.hpp"

#include <utility>

namespace sluicegate::gateway {

Result<Inspected> inspect(Request& request, Loaded loaded) {
    const std::string_view content_type =
        request.head().fields.find("content-type").value_or(std::string_view());
    // An empty body is answered like any other that is no JSON, and needs bytes to look at.
    static constexpr char empty[openai::body_padding]{};
    const char* data = request.body.empty() ? empty : request.body.data();
    auto inspection = openai::inspect(loaded.endpoint, content_type, data, request.body.size());
    if (!inspection) return std::move(inspection).failure();

    const ModelEntry* model = request.config().find_model(inspection->model);
    // One answer for a model that does not exist and one this key may not use: no enumeration.
    if (model == nullptr || !auth::may_use(*loaded.key, model->id)) {
        return fail(ErrorKind::model_not_found, {}, std::move(inspection->model));
    }
    request.record.model = model;
    request.record.is_streaming = inspection->is_streaming;
    return Inspected{loaded.endpoint, loaded.key, std::move(*inspection), model};
}

}  // namespace sluicegate::gateway
