/// Credential fields of a request: one "name:value" a line. Whatever comes out as a key is within
/// its bounds and a view into what came in; whatever is refused is one of two kinds.

#include "sluicegate/auth/credentials.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string_view>

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sluicegate;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    auth::PresentedCredentials presented;
    int fields = 0;
    for (std::string_view rest = input; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : line.size());
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        if (presented.take(line.substr(0, colon), line.substr(colon + 1))) ++fields;
    }
    auto key = auth::credential_of(presented);
    if (!key) {
        const ErrorKind kind = key.error().kind;
        require(kind == ErrorKind::missing_api_key ||
                kind == ErrorKind::invalid_authorization_header ||
                (kind == ErrorKind::different_api_keys && fields > 1));
        return 0;
    }
    require(fields >= 1);
    require(!key->empty() && key->size() <= auth::key_bytes_max);
    for (const char c : *key) require(c >= '!' && c <= '~');
    const std::less_equal<const char*> no_later;
    require(no_later(input.data(), key->data()) &&
            no_later(key->data() + key->size(), input.data() + input.size()));
    return 0;
}
