#include "gateway/stages.hpp"

#include <utility>

namespace sluicegate::gateway {

Result<Routed> route(Request& request, Admitted admitted) {
    const config::Model& model = *admitted.model->settings;
    const config::RouteEntry& entry = model.route[admitted.model->choice->pick()];
    request.record.upstream = entry.upstream;
    const std::string& upstream_model = entry.model.empty() ? model.name : entry.model;
    return Routed{admitted.endpoint, std::move(admitted.inspection),
                  std::move(admitted.reservation), entry.upstream, upstream_model};
}

}  // namespace sluicegate::gateway
