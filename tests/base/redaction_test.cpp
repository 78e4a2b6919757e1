#include "sluicegate/base/redaction.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace sluicegate {
namespace {

constexpr std::size_t piece_bytes = 64 * 1024;

Redaction redaction_of(const std::vector<std::string>& secrets) {
    Redaction redaction;
    for (const std::string& secret : secrets) redaction.add(secret);
    redaction.finish();
    return redaction;
}

TEST(Redaction, FindsASecretInEachForm) {
    const Redaction redaction =
        redaction_of({"sk-up/stream_1+X", "header value", "short", "a\"b\\c&d%e<f"});
    struct Row {
        const char* name;
        std::string said, told;
    };
    const std::vector<Row> rows{
        {"nothing", "", ""},
        {"no secret", "bad temperature: 100% of it\\n", "bad temperature: 100% of it\\n"},
        {"a repeated head", "Bearer sk-up/stream_1+X\r\nx: y", "Bearer ***\r\nx: y"},
        {"twice", "sk-up/stream_1+Xsk-up/stream_1+X", "******"},
        {"all of the text", "sk-up/stream_1+X", "***"},
        {"a part", "sk-up/stream_1", "sk-up/stream_1"},
        {"too short", "a short text", "a short text"},
        {"other case", "<SK-UP/STREAM_1+x>", "<***>"},
        {"JSON", R"("k":"sk-up\/stream_1+X")", R"("k":"***")"},
        {"JSON, all escaped",
         R"("\u0073\u006b\u002D\u0075\u0070\u002f\u0073\u0074\u0072\u0065\u0061\u006d\u005f\u0031\u002b\u0058")",
         R"("***")"},
        {"JSON in JSON", R"("{\"k\":\"sk-up\\/stream_1+X\"}")", R"("{\"k\":\"***\"}")"},
        {"JSON in JSON in JSON", R"(\\\"sk-up\\\/stream_1\\u002bX\\\")", R"(\\\"***\\\")"},
        {"C", R"(sk\x2dup/stream\x5F1+X)", "***"},
        {"percent", "?k=sk-up%2Fstream_1%2bX&l=1", "?k=***&l=1"},
        {"percent, all", "%73%6b%2d%75%70%2f%73%74%72%65%61%6d%5f%31%2b%58", "***"},
        {"percent twice", "sk-up%252Fstream_1%25252BX", "***"},
        {"a form's space", "header+value, header%20value", "***, ***"},
        {"HTML", "<b>sk&#45;up&#x2F;stream_1+X</b>", "<b>***</b>"},
        {"HTML of JSON", "&quot;sk-up\\/stream_1&#43;X&quot;", "&quot;***&quot;"},
        {"wrapped", "sk-up/st\r\n  ream_1+X", "***"},
        {"wrapped in an event", "data: sk-up/st\ndata: ream_1+X", "data: ***"},
        {"wrapped in a string", R"("sk-up/st\nream_1+X")", R"("***")"},
        {"base64", "k: c2stdXAvc3RyZWFtXzErWA== end", "k: *** end"},
        {"base64, URL", "c2stdXAvc3RyZWFtXzErWA", "***"},
        {"base64 of a field", "x QmVhcmVyIHNrLXVwL3N0cmVhbV8xK1g= y", "x *** y"},
        {"base64 of more", "dXNlcjpzay11cC9zdHJlYW1fMStYOnBhc3M=", "***"},
        {"base64, percent", "c2stdXAvc3RyZWFtXzErWA%3D%3D", "***%3D%3D"},
        {"hex", "736b2d75702f73747265616d5f312b58", "***"},
        {"hex, upper", "0x736B2D75702F73747265616D5F312B58", "***"},
        {"signs, raw", "<a\"b\\c&d%e<f>", "<***>"},
        {"signs, JSON", R"("a\"b\\c&d%e\u003cf")", R"("***")"},
        {"signs, HTML", "a&quot;b\\c&amp;d%e&lt;f", "***"},
        {"signs, percent", "a%22b%5Cc%26d%25e%3Cf", "***"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(redaction.cleaned(row.said), row.told);
        EXPECT_EQ(redaction.finds_any_in(row.said), row.said != row.told);
    }
}

TEST(Redaction, WithoutSecretsChangesNothing) {
    const Redaction unfinished;
    EXPECT_EQ(unfinished.cleaned("sk-upstream"), "sk-upstream");
    EXPECT_FALSE(unfinished.finds_any_in("sk-upstream"));
    EXPECT_EQ(redaction_of({"1234567"}).cleaned("1234567"), "1234567");
    EXPECT_EQ(redaction_of({"12345678"}).cleaned("12345678"), "***");
}

TEST(Redaction, SecretsThatOverlapLeaveNothing) {
    const Redaction redaction = redaction_of({"abcdefgh", "abcdefghij", "ghijklmnop"});
    EXPECT_EQ(redaction.cleaned("<abcdefgh>"), "<***>");
    EXPECT_EQ(redaction.cleaned("<abcdefghij>"), "<***>");
    EXPECT_EQ(redaction.cleaned("<abcdefghijklmnop>"), "<***>");
}

TEST(Redaction, SecretsInARowOfDigitsAreOne) {
    const Redaction redaction = redaction_of({"sk-provider-0123456789"});
    const std::string digits = "736b2d70726f76696465722d30313233343536373839";
    const std::string base64 = "c2stcHJvdmlkZXItMDEyMzQ1Njc4OQ==";
    EXPECT_EQ(redaction.cleaned("<" + digits + digits + digits + ">"), "<***>");
    EXPECT_EQ(redaction.cleaned("<ab" + digits + "cd" + digits + "ef>"), "<***>");
    EXPECT_EQ(redaction.cleaned("<" + base64 + digits + "abc " + base64 + ">"), "<*** ***>");
    EXPECT_EQ(redaction.cleaned("<sk-provider-0123456789" + digits + "0>"), "<***>");
    EXPECT_EQ(redaction.cleaned("<" + digits + "sk-provider-0123456789:x>"), "<***:x>");
}

TEST(Redaction, FindsEachOfAThousandSecrets) {
    std::vector<std::string> secrets;
    for (int i = 0; i < 1000; ++i)
        secrets.push_back("sk-proj-" + std::to_string(1000000 + i) + "-end");
    const Redaction redaction = redaction_of(secrets);
    for (const std::string& secret : secrets)
        EXPECT_EQ(redaction.cleaned("<" + secret + ">"), "<***>");
}

TEST(Redaction, FindsWhatIsDividedIntoPieces) {
    const std::string secret = "sk-upstream-0123456789-abcdefghijklmnop";
    const Redaction redaction = redaction_of({secret});
    const std::string text =
        "{\"a\":\"Bearer sk\\u002dupstream-0123456789-abcdefghijklmnop\"} " + secret +
        " %73k-upstream-0123456789-abcdefghijklmnop c2stdXBzdHJlYW0tMDEyMzQ1Njc4OS1h"
        "YmNkZWZnaGlqa2xtbm9w sk-upstream-0123456789 end";
    const std::string expected = "{\"a\":\"Bearer ***\"} *** *** *** sk-upstream-0123456789 end";
    std::mt19937 random(1);
    for (int round = 0; round < 2000; ++round) {
        SCOPED_TRACE(round);
        std::string out, held;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t size = std::min<std::size_t>(1 + random() % 40, text.size() - at);
            held += text.substr(at, size);
            at += size;
            held.erase(0, redaction.clean_part(held, at == text.size() ? held.size() : 0, out));
        }
        ASSERT_EQ(out, expected);
        ASSERT_TRUE(held.empty());
    }
}

TEST(Redaction, FindsASecretInEveryPlaceOfALongText) {
    const std::string secret = "sk-upstream-0123456789";
    const Redaction redaction = redaction_of({secret});
    for (std::size_t place = 2 * piece_bytes - 60; place < 2 * piece_bytes + 60; ++place) {
        std::string text(3 * piece_bytes, '.');
        text.replace(place, secret.size(), secret);
        const std::string told = redaction.cleaned(text);
        EXPECT_EQ(told.size(), text.size() - secret.size() + 3) << place;
        EXPECT_EQ(told.find("sk-up"), std::string::npos) << place;
    }
}

TEST(Redaction, TakesForCertainWhatTheCallerCannotHold) {
    const Redaction redaction = redaction_of({std::string(5000, 'x')});
    std::string out;
    const std::string text(4096, 'x');
    EXPECT_EQ(redaction.clean_part(text, 0, out), 0U);
    EXPECT_EQ(redaction.clean_part(text, 2048, out), 2048U);
    EXPECT_EQ(out, std::string(2048, 'x'));
}

}  // namespace
}  // namespace sluicegate
