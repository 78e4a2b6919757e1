#include "sluicegate/worker/repeated_lines.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <sstream>
#include <string>
#include <vector>

namespace sluicegate::worker {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1000h};
constexpr WallTime wall{480000h};

RepeatedLines::Ended request_from(std::uint32_t number,
                                  ErrorKind reason = ErrorKind::invalid_api_key) {
    RepeatedLines::Ended request;
    request.reason = reason;
    request.status = 401;
    request.endpoint = "chat_completions";
    request.address[10] = request.address[11] = 0xff;
    for (unsigned i = 0; i < 4; ++i) {
        request.address[12 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
    }
    return request;
}

std::vector<nlohmann::json> parsed(const std::string& text) {
    std::vector<nlohmann::json> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(nlohmann::json::parse(line));
    }
    return lines;
}

class RepeatedLinesTest : public testing::Test {
protected:
    /// How many of `times` requests got a line of their own.
    unsigned note(const RepeatedLines::Ended& request, unsigned times, Instant now = start) {
        unsigned own = 0;
        for (unsigned i = 0; i < times; ++i) own += lines.note(request, now) ? 1U : 0U;
        return own;
    }
    std::vector<nlohmann::json> due(Instant now) {
        std::string out;
        lines.append_due(out, now, wall);
        return parsed(out);
    }
    std::vector<nlohmann::json> rest() {
        std::string out;
        lines.append_all(out, wall);
        return parsed(out);
    }

    RepeatedLines lines;
};

TEST_F(RepeatedLinesTest, TheFirstFewGetLinesAndTheOthersOneTogether) {
    EXPECT_EQ(note(request_from(0x0a000001), 100), 3U);
    EXPECT_EQ(note(request_from(0x0a000001, ErrorKind::missing_api_key), 4), 3U);
    EXPECT_EQ(note(request_from(0x0a000002), 3), 3U);
    EXPECT_TRUE(due(start + 4999ms).empty());
    const auto sums = due(start + 5s);
    ASSERT_EQ(sums.size(), 2U);
    EXPECT_EQ(sums[0]["event"], "access");
    EXPECT_EQ(sums[0]["client"], "10.0.0.1");
    EXPECT_EQ(sums[0]["status"], 401);
    EXPECT_EQ(sums[0]["endpoint"], "chat_completions");
    EXPECT_EQ(sums[0]["repeated"].get<int>() + sums[1]["repeated"].get<int>(), 98);
}

TEST_F(RepeatedLinesTest, AFloodGetsOneLineForEachSpan) {
    EXPECT_EQ(note(request_from(1), 10), 3U);
    EXPECT_EQ(due(start + 5s).size(), 1U);
    EXPECT_EQ(note(request_from(1), 10, start + 6s), 0U);
    const auto second = due(start + 10s);
    ASSERT_EQ(second.size(), 1U);
    EXPECT_EQ(second[0]["repeated"], 10);
    EXPECT_TRUE(due(start + 15s).empty());
    EXPECT_TRUE(lines.empty());
    EXPECT_EQ(note(request_from(1), 1, start + 16s), 1U) << "it was silent, and begins anew";
}

TEST_F(RepeatedLinesTest, NothingIsLostAtTheEnd) {
    EXPECT_EQ(note(request_from(1), 10), 3U);
    const auto sums = rest();
    ASSERT_EQ(sums.size(), 1U);
    EXPECT_EQ(sums[0]["repeated"], 7);
    EXPECT_TRUE(rest().empty());
}

TEST_F(RepeatedLinesTest, ManyAddressesAreSummedUpByReason) {
    unsigned own = 0;
    for (std::uint32_t i = 0; i < 10'000; ++i) own += note(request_from(i), 1);
    EXPECT_EQ(own, RepeatedLines::groups_max);
    const auto sums = due(start + 5s);
    ASSERT_EQ(sums.size(), 1U);
    EXPECT_FALSE(sums[0].contains("client"));
    EXPECT_EQ(sums[0]["repeated"], 10'000 - RepeatedLines::groups_max);
}

}  // namespace
}  // namespace sluicegate::worker
