#include "sluicegate/config/origin.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace sluicegate::config {
namespace {

TEST(OriginPattern, MatchesWholeOriginsOnly) {
    struct Row {
        std::string_view pattern;
        std::vector<std::string_view> yes, no;
    };
    const std::vector<Row> rows{
        {"https://app.example",
         {"https://app.example", "HTTPS://App.Example"},
         {"http://app.example", "https://app.example:8443", "https://app.example.evil.test",
          "https://evil.test/https://app.example", "https://app.example/", "app.example", "null",
          "", "https://app.example https://app.example", "https://x.app.example"}},
        {"https://App.Example:443", {"https://app.example"}, {"https://app.example:443"}},
        {"http://localhost:3000",
         {"http://localhost:3000"},
         {"http://localhost", "http://localhost:30000", "https://localhost:3000"}},
        {"http://[::1]:3000", {"http://[::1]:3000"}, {"http://[::1]"}},
        {"https://*.app.example",
         {"https://a.app.example", "https://a.b-c.app.example", "https://A.App.Example"},
         {"https://app.example", "https://.app.example", "https://a..app.example.",
          "https://aapp.example", "https://evil.test/.app.example",
          "https://evil.test?.app.example", "https://user@x.app.example", "https://a:1.app.example",
          "http://a.app.example", "https://a.app.example:8443"}},
        {"https://*.app.example:8443",
         {"https://a.app.example:8443"},
         {"https://a.app.example", "https://a.app.example:443"}},
        {"chrome-extension://abcdefg", {"chrome-extension://abcdefg"}, {"https://abcdefg"}},
        {"app://obsidian.md", {"app://obsidian.md"}, {"null"}},
        {"null", {"null"}, {"", "https://null"}},
        {"*", {"https://app.example", "null", ""}, {}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.pattern);
        const auto pattern = OriginPattern::parse(row.pattern);
        ASSERT_TRUE(pattern);
        for (const std::string_view origin : row.yes) EXPECT_TRUE(pattern->matches(origin));
        for (const std::string_view origin : row.no)
            EXPECT_FALSE(pattern->matches(origin)) << origin;
    }
}

TEST(OriginPattern, RefusesWhatNoBrowserSends) {
    for (const std::string_view text : {"",
                                        "app.example",
                                        "https://",
                                        "https:app.example",
                                        "https://app.example/",
                                        "https://app.example/path",
                                        "https://user@app.example",
                                        "https://app.example?x",
                                        "https://app.example:",
                                        "https://app.example:0",
                                        "https://app.example:65536",
                                        "https://app.example:http",
                                        "https://*",
                                        "https://*app.example",
                                        "https://a.*.example",
                                        "https://**.example",
                                        "https://*.[::1]",
                                        "https://b\xc3\xbc"
                                        "cher.example",
                                        "https://app .example",
                                        "1https://app.example",
                                        "*://app.example",
                                        "https://[::1"}) {
        EXPECT_FALSE(OriginPattern::parse(text)) << text;
    }
    EXPECT_EQ(OriginPattern::hint("https://app.example/x?y"),
              "must end behind host and port: write https://app.example");
}

}  // namespace
}  // namespace sluicegate::config
