/// The target of a request to an upstream, for any query of a client and any name of a model: it is
/// one word of visible ASCII, its path does not depend on the query, and of the query only two
/// parameters pass, each once and with a plain value.
///
/// Input  a byte that chooses kind and endpoint, a line with the model's name, the query.

#include "sluicegate/provider/target.hpp"

#include "fuzz/choices.hpp"
#include "fuzz/growth.hpp"
#include "fuzz/require.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace {

using namespace sluicegate;
using fuzz::Choices;
using fuzz::require;

constexpr std::array endpoints{openai::Endpoint::chat_completions, openai::Endpoint::responses,
                               openai::Endpoint::audio_transcriptions,
                               openai::Endpoint::images_generations};

std::string target_of(const config::Upstream& upstream, openai::Endpoint endpoint,
                      std::string_view model, std::string_view query) {
    const fuzz::GrowthCheck growth(model.size() + query.size(),
                                   {.base_bytes = 4096, .held_per_byte = 20, .taken_per_byte = 60});
    std::string target;
    provider::append_target(target, upstream, 0, endpoint, model, query);
    return target;
}

void check_query(std::string_view query, const config::Upstream& upstream) {
    std::set<std::string_view> seen;
    while (!query.empty()) {
        const std::string_view parameter = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(parameter.size() + 1, query.size()));
        const std::size_t equals = parameter.find('=');
        require(equals != std::string_view::npos, "a parameter has a value");
        const std::string_view name = parameter.substr(0, equals);
        const std::string_view value = parameter.substr(equals + 1);
        require(name == "api-version" || name == "beta", "only parameters on the list pass");
        require(seen.insert(name).second, "each parameter passes once");
        require(value.find_first_of("=;%+") == std::string_view::npos, "a value is plain");
        require(upstream.kind != config::UpstreamKind::azure || name != "api-version" ||
                    value == upstream.api_version,
                "the configured version counts");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Choices choices(data, size);
    const std::uint8_t way = choices.byte();
    const std::string model(choices.line());
    const std::string query(choices.rest());
    if (model == "." || model == "..") return 0;  // the configuration refuses them
    config::Upstream upstream;
    upstream.kind = (way & 1U) != 0 ? config::UpstreamKind::azure : config::UpstreamKind::openai;
    upstream.endpoints = {{.tls = true, .host = "api.test", .port = 443, .path_prefix = "/openai"}};
    if ((way & 2U) != 0) upstream.api_version = "2024-10-21";
    const openai::Endpoint endpoint = endpoints[(way >> 2U) % endpoints.size()];
    const std::string target = target_of(upstream, endpoint, model, query);
    const std::string bare = target_of(upstream, endpoint, model, "");
    require(target.starts_with('/'), "a target is a path");
    require(std::ranges::all_of(target, [](char c) { return c > ' ' && c < '\x7f' && c != '#'; }),
            "a target is one word of visible ASCII");
    const std::string_view path = std::string_view(target).substr(0, target.find('?'));
    require(path == std::string_view(bare).substr(0, bare.find('?')),
            "the path does not depend on the query");
    require(path.find("/../") == std::string_view::npos && !path.ends_with("/.."),
            "a model's name does not climb");
    if (path.size() < target.size()) {
        check_query(std::string_view(target).substr(path.size() + 1), upstream);
    }
    return 0;
}
