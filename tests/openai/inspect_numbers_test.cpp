// The numbers of a body: accepted where they are finite as a double, without being converted.
#include "sluicegate/openai/inspect_request.hpp"

#include "openai/inspected.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace sluicegate::openai {
namespace {

using test::inspected;

bool accepts(const std::string& number) {
    return inspected(R"({"model":"m","input":[)" + number + "]}").has_value();
}

TEST(InspectNumbers, AreAcceptedUpToTheLargestDouble) {
    const std::string zeros(400, '0');
    struct Row {
        const char* name;
        std::string number;
        bool is_accepted;
    };
    const Row rows[] = {
        {"largest double", "1.7976931348623157e308", true},
        {"rounds down to it", "1.7976931348623158079e308", true},
        {"rounds to infinity", "1.7976931348623158080e308", false},
        {"next power", "1e309", false},
        {"in 309 digits", "1" + zeros.substr(0, 308), true},
        {"in 310 digits", "1" + zeros.substr(0, 309), false},
        {"in digits, just too large", "18" + zeros.substr(0, 307), false},
        {"negative", "-1e309", false},
        {"far too small", "1e-400", true},
        {"smallest exponent", "1e-99999999999999999999", true},
        {"largest exponent", "1e99999999999999999999", false},
        {"zero", "0e99999999999999999999", true},
        {"zero with a fraction", "-0." + zeros + "e99999", true},
        {"a shift back", "0." + zeros + "1e709", true},
        {"a shift too far", "0." + zeros + "1e710", false},
        {"many digits, small", "1" + zeros + "e-400", true},
        {"capital E and plus", "1E+308", true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(accepts(row.number), row.is_accepted);
    }
}

TEST(InspectNumbers, AreFiniteExactlyWhereStrtodSaysSo) {
    for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        const auto digits = [&](std::size_t count) {
            std::string text;
            while (text.size() < count) text += static_cast<char>('0' + random() % 10);
            return text;
        };
        std::string number = random() % 3 == 0 ? "0" : "1" + digits(random() % 320);
        if (random() % 2 == 0) number += '.' + digits(1 + random() % 330);
        const int exponent = 309 - static_cast<int>(number.find_first_of(".") % 400) +
                             static_cast<int>(random() % 7) - 3;
        if (random() % 4 != 0) number += 'e' + std::to_string(exponent);
        EXPECT_EQ(accepts(number), std::isfinite(std::strtod(number.c_str(), nullptr))) << number;
    }
}

TEST(InspectNumbers, AndOtherTokensAreBoundedInNumber) {
    const auto zeros = [](std::size_t count) {
        std::string body = R"({"model":"m","input":[0)";
        for (std::size_t i = 1; i < count; ++i) body += ",0";
        return body + "]}";
    };
    EXPECT_TRUE(inspected(zeros(json_tokens_max / 2 - 16)));
    // Other shapes of as many tokens: none is valid JSON, and all would fill an index.
    std::string strings;
    std::string spaced;
    for (std::size_t i = 0; i <= json_tokens_max; ++i) {
        strings += "\"\"";
        spaced += "0 ";
    }
    for (const std::string& body : {zeros(json_tokens_max / 2 + 16), strings, spaced,
                                    std::string(json_tokens_max + 1, '[')}) {
        const auto found = inspected(body);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().kind, ErrorKind::invalid_body);
        EXPECT_EQ(found.error().subject, "too many values");
    }
    // Bytes inside strings are no tokens, escaped quotes among them.
    std::string text = R"({"model":"m","input":")";
    for (std::size_t i = 0; i < json_tokens_max; ++i) text += R"(,\")";
    EXPECT_TRUE(inspected(text + "\"}"));
}

}  // namespace
}  // namespace sluicegate::openai
