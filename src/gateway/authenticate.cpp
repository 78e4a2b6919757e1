#include "sluicegate/auth/authenticate.hpp"

#include "sluicegate/auth/credentials.hpp"

#include "gateway/stages.hpp"

#include <utility>

namespace sluicegate::gateway {
namespace {

Result<const auth::KeyRecord*> find_caller(const Request& request) {
    auth::PresentedCredentials presented;
    for (const http::Field& field : request.head().fields) presented.take(field.name, field.value);
    auto key = auth::credential_of(presented);
    if (!key) return std::move(key).failure();
    const config::IpAddress address(request.client.address());
    return auth::authenticate(request.config().keys, *key, address,
                              request.worker.clock().wall_now());
}

}  // namespace

Result<Identified> authenticate(Request& request, Received received) {
    auto key = find_caller(request);
    if (!key) {
        request.worker.count_auth_failure(key.error().kind);
        return std::move(key).failure();
    }
    request.record.caller = auth::caller_of(**key);
    return Identified{std::move(received.match), *key};
}

}  // namespace sluicegate::gateway
