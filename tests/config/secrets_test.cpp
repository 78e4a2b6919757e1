#include "sluicegate/config/secrets.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluicegate::config {
namespace {

Upstream upstream_with_key(const char* key) {
    Upstream upstream;
    upstream.api_key = Secret(key);
    return upstream;
}

TEST(Secrets, OfAllUpstreamsAreFound) {
    std::vector<Upstream> upstreams{upstream_with_key("sk-first-key"),
                                    upstream_with_key("sk-second-key")};
    upstreams[1].headers = {
        {.name = "x-team", .value = Secret("team-secret")},
        {.name = "x-authorization", .value = Secret("Basic dXNlcjpiYXNpYy1wYXNzd29yZA==")},
        {.name = "cookie", .value = Secret("a=1; session=cookie-secret")},
        {.name = "x-word", .value = Secret("public")}};
    // proxy-user:proxy-password
    upstreams[0].proxy = Proxy{.host = "proxy",
                               .port = 3128,
                               .authorization = Secret("cHJveHktdXNlcjpwcm94eS1wYXNzd29yZA==")};
    const Redaction redaction = redaction_of(upstreams);
    struct Row {
        const char* said;
        const char* told;
    };
    for (const Row& row : std::vector<Row>{
             {"Bearer sk-first-key", "Bearer ***"},
             {"Bearer sk-second-key", "Bearer ***"},
             {"x-team: team-secret", "x-team: ***"},
             {"Basic dXNlcjpiYXNpYy1wYXNzd29yZA== x", "*** x"},
             {"got dXNlcjpiYXNpYy1wYXNzd29yZA==, not", "got ***, not"},
             {"user:basic-password", "***"},
             {"password basic-password", "password ***"},
             {"session: cookie-secret", "session: ***"},
             {"proxy-user:proxy-password", "***"},
             {"the password proxy-password", "the password ***"},
             {"cHJveHktdXNlcjpwcm94eS1wYXNzd29yZA==", "***"},
             {"public words", "public words"},
         }) {
        EXPECT_EQ(redaction.cleaned(row.said), row.told);
    }
}

TEST(Secrets, OfFieldsThatAreNoCredentialsAreTheirWholeValues) {
    Upstream upstream;
    upstream.headers = {{.name = "x-title", .value = Secret("our application")},
                        {.name = "authorization", .value = Secret("Basic not*base64")},
                        {.name = "proxy-authorization", .value = Secret("alonealone")}};
    const Redaction redaction = redaction_of({&upstream, 1});
    EXPECT_EQ(redaction.cleaned("an application: our application"), "an application: ***");
    EXPECT_EQ(redaction.cleaned("<not*base64> <alonealone>"), "<***> <***>");
}

TEST(Secrets, OfNoUpstreamAreNone) {
    EXPECT_EQ(redaction_of({}).cleaned("anything at all"), "anything at all");
}

}  // namespace
}  // namespace sluicegate::config
