// Requests that lie about their size: a body that the gateway and the upstream could read in two
// ways is refused, and no number overflows into a small one.
#include "behaviour/harness.hpp"
#include "behaviour/token_requests.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class HostileCaps : public testing::Test {
protected:
    static ConfigText config(const FakeUpstream& upstream) {
        ConfigText text(upstream.base_url());
        text.models += "  tokens: {limits: {tpm: 1000}, route: [{upstream: up}]}\n";
        return text;
    }
    FakeUpstream upstream_;
    Gateway gateway_{config(upstream_)};
};

TEST_F(HostileCaps, WhatCouldBeReadInTwoWaysIsRefused) {
    struct Row {
        std::string members, param;
    };
    const std::vector<Row> rows{
        {R"(,"max_tokens":1,"max_tokens":5000)", "max_tokens"},
        {R"(,"max_tokens":1,"max_t\u006fkens":5000)", "max_tokens"},
        {R"(,"max_completion_tokens":1,"max_completion_tokens":5000)", "max_completion_tokens"},
        {R"(,"n":1,"n":500)", "n"},
        {R"(,"stream_options":{},"stream_options":{"include_usage":true})", "stream_options"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.members);
        expect_error(gateway_.send(chat_with(alice_key, "tokens", row.members)),
                     {.status = 400, .code = "duplicate_field", .param = row.param});
    }
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(HostileCaps, LargeNumbersAreLargeAndNotSmall) {
    for (const std::string members :
         {R"(,"max_tokens":9223372036854775807)", R"(,"max_tokens":9223372036854775807,"n":2)",
          R"(,"max_tokens":4611686018427387904,"n":4)",
          R"(,"max_tokens":1000,"n":9223372036854775807)", R"(,"max_tokens":18446744073709551615)",
          R"(,"max_tokens":18446744073709551617)", R"(,"max_tokens":1e30)",
          R"(,"max_tokens":4294967297)", R"(,"max_tokens":1001)", R"(,"max_tokens":1000,"n":2)"}) {
        SCOPED_TRACE(members);
        const Response response = gateway_.send(chat_with(alice_key, "tokens", members));
        if (response.status == 429) {
            expect_refused_for_good(response, "tpm");
        } else {
            EXPECT_EQ(response.status, 400) << response.body;
        }
    }
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(HostileCaps, NonsenseFreesNobodyFromTheLimit) {
    // Whether it is refused or guessed at, what is admitted is charged.
    for (const std::string members :
         {R"(,"max_tokens":-5)", R"(,"max_tokens":-9223372036854775808)", R"(,"max_tokens":null)",
          R"(,"max_tokens":"5")", R"(,"max_tokens":1.5)", R"(,"max_tokens":[1])",
          R"(,"max_tokens":100,"n":-100)", R"(,"max_tokens":100,"n":0)", R"(,"n":"x")"}) {
        SCOPED_TRACE(members);
        FakeUpstream upstream;
        upstream.answer(Script().send(chat_answer(300, 300)));
        const Gateway gateway(config(upstream));
        int admitted = 0;
        for (int i = 0; i < 6; ++i) {
            const Response response = gateway.send(chat_with(alice_key, "tokens", members));
            EXPECT_TRUE(response.status == 200 || response.status == 400 || response.status == 429)
                << response.status;
            EXPECT_LE(tokens_left(response), 1000);
            admitted += response.status == 200 ? 1 : 0;
        }
        EXPECT_LE(admitted, 2) << "600 are settled for each";
    }
}

}  // namespace
}  // namespace sluicegate::support
