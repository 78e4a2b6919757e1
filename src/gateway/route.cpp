#include "sluicegate/openai/affinity.hpp"

#include "gateway/stages.hpp"

#include <utility>

namespace sluicegate::gateway {

Result<Routed> route(Request& request, Admitted&& admitted) {
    const ModelEntry& model = *admitted.model;
    route::RouteQuery query{.tokens = request.record.token_demand,
                            .user = request.config().user_keys[admitted.key->user_index],
                            .affinity = std::nullopt,
                            .random = request.worker.random()};
    if (model.affinity_bytes > 0) {
        query.affinity =
            openai::affinity_hash(admitted.inspection, request.body, model.affinity_bytes);
    }
    return Routed{.endpoint = admitted.endpoint,
                  .inspection = std::move(admitted.inspection),
                  .reservation = std::move(admitted.reservation),
                  .model = &model,
                  .query = query};
}

}  // namespace sluicegate::gateway
