// The memory of a scanner is bounded for any stream.
#include "sluicegate/openai/sse_scanner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace sluicegate::openai {
namespace {

constexpr std::size_t piece_bytes = 4 * 1024;

std::string repeated(std::string_view text, std::size_t bytes) {
    std::string out;
    while (out.size() < bytes) out += text;
    return out;
}

struct Most {
    std::size_t memory = 0;
    std::size_t cuts = 0;
};

Most most_of(SseScanner& scanner, std::string_view stream) {
    Most most;
    for (; !stream.empty(); stream.remove_prefix(std::min(piece_bytes, stream.size()))) {
        (void)scanner.complete_prefix(stream.substr(0, piece_bytes));
        most.memory = std::max(most.memory, scanner.memory_bytes());
        most.cuts = std::max(most.cuts, scanner.cuts().capacity());
    }
    return most;
}

TEST(SseScannerMemory, IsBoundedWhateverIsSent) {
    constexpr std::size_t flood = 1024 * 1024;
    struct Row {
        std::string_view name;
        std::string start;
        std::string_view unit;
    };
    const std::string opened = R"(data: {"a":{"b":")";
    const std::string delta =
        R"(data: {"choices":[{"delta":{"content":"a"}}],"x":")" + std::string(60'000, 'x') +
        "\"}\n\n" + R"(data: {"choices":[{"delta":{"content":"a"}}],"obfuscation":")" +
        std::string(60'000, 'x') + "\",\"y\":\"" + std::string(1'000, 'y') + "\"}\n\n";
    const Row rows[] = {
        {"id lines", "", "id: 1\n"},
        {"id and retry lines", "", "id: 1\nretry: 1\n"},
        {"id lines between comments", "", ":\nid\n"},
        {"id lines behind data", "data: x\n", "id: 1\n"},
        {"id lines with CR", "", "id\r"},
        {"one endless id line", "id: ", "x"},
        {"data lines", "", "data: x\n"},
        {"empty data lines", "", "data\n"},
        {"one endless data line", "data: ", "x"},
        {"one endless string", opened, "x"},
        {"deep JSON", "data: ", "["},
        {"members", "data: {", R"("a":1,)"},
        {"text deltas of many shapes", "", delta},
        {"one endless line without a colon", "", "x"},
        {"one endless comment", ":", "x"},
        {"names", "", "event: abcdefgh\n"},
        {"one endless name", "event: ", "x"},
        {"error lines", "", "error: {\"code\":500}\n"},
        {"one endless error line", "error: ", "x"},
        {"blank lines", "", "\n"},
        {"names without data", "", "event: ping\n\n"},
        {"ids", "", "id\n\n"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        SseScanner scanner(Endpoint::chat_completions,
                           {.usage_event = true, .usage_members = true});
        const Most most = most_of(scanner, row.start + repeated(row.unit, flood));
        EXPECT_LE(most.memory, SseScanner::memory_bytes_max);
        // "id\n\n" is the shortest event with a cut; capacities double.
        EXPECT_LE(most.cuts, 2 * (piece_bytes / 4 + 64));
    }
}

/// The most `id:` lines of one event that are still cut.
constexpr std::size_t line_cuts_max = 64;

TEST(SseScannerMemory, CutsUpToItsBoundOfLinesAndNoneOfAnEventWithMore) {
    for (const std::size_t lines : {line_cuts_max, line_cuts_max + 1}) {
        SCOPED_TRACE(lines);
        SseScanner scanner(Endpoint::chat_completions);
        std::string event;
        for (std::size_t i = 0; i < lines; ++i) event += "id: 1\n";
        event += "data: 1\n\n";
        EXPECT_EQ(scanner.complete_prefix(event), event.size());
        EXPECT_EQ(scanner.cuts().size(), lines == line_cuts_max ? lines : 0U);
        EXPECT_EQ(scanner.complete_prefix("id: 1\ndata: 1\n\n"), 15U) << "the next is as before";
        EXPECT_EQ(scanner.cuts().size(), 1U);
    }
}

TEST(SseScannerMemory, CutsNothingOutOfAnEventThatHasBegunToPass) {
    SseScanner scanner(Endpoint::chat_completions);
    EXPECT_EQ(scanner.complete_prefix("id: 1\nid: 2\nid"), 0U);
    scanner.let_pass();
    EXPECT_EQ(scanner.complete_prefix(": 3\ndata: 1\nid: 4\n\n"), 19U);
    EXPECT_TRUE(scanner.cuts().empty());
}

}  // namespace
}  // namespace sluicegate::openai
