#include "sluicegate/provider/words.hpp"

#include <vector>

namespace sluicegate::provider {

UpstreamWords words_of(const config::Upstream& upstream, std::string_view said) {
    std::vector<std::string_view> secrets;
    secrets.reserve(upstream.headers.size() + 1);
    if (upstream.api_key) secrets.push_back(upstream.api_key->reveal());
    for (const config::ExtraField& field : upstream.headers) {
        secrets.push_back(field.value.reveal());
    }
    return {said, secrets};
}

}  // namespace sluicegate::provider
