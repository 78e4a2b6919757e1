// server.memory: what clients send together is bounded, and what is too much is told so at once.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

constexpr std::size_t buffered_upload_bytes = std::size_t{20} << 20;

class MemoryBudgetOfUploads : public testing::Test {
protected:
    ConfigText config() {
        ConfigText text(upstream_.base_url());
        text.server_lines = "  memory: 48MiB\n";
        return text;
    }
    [[nodiscard]] double buffered() const {
        return metric(gateway_, "sluicegate_memory_buffered_bytes");
    }

    FakeUpstream upstream_;
    Gateway gateway_{config()};
};

TEST_F(MemoryBudgetOfUploads, LetsTwoOfThreeInAndAnswersTheThirdAtOnce) {
    const std::string begin = R"({"model":"m","messages":[{"role":"user","content":")";
    const std::string end = "\"}]}";
    const std::string body =
        begin + std::string(buffered_upload_bytes - begin.size() - end.size(), 'x') + end;
    const std::string request = post_json("/v1/chat/completions", alice_key, body);
    const std::string of_bob = post_json("/v1/chat/completions", bob_key, body);

    std::vector<TestClient> uploads;
    for (const std::string_view first : {request, of_bob}) {
        uploads.push_back(gateway_.connect());
        uploads.back().send(first.substr(0, first.size() - buffered_upload_bytes / 2));
    }
    ASSERT_TRUE(eventually([&] { return buffered() == 2.0 * buffered_upload_bytes; }));

    const Response refused =
        gateway_.send(std::string_view(request).substr(0, request.size() - buffered_upload_bytes));
    expect_error(refused, {.status = 503, .type = "server_error", .code = "gateway_overloaded"});
    EXPECT_EQ(refused.field("retry-after"), "1");
    expect_success(gateway_.chat(alice_key, "m"));

    for (TestClient& upload : uploads) {
        upload.send(std::string_view(request).substr(request.size() - buffered_upload_bytes / 2));
        expect_success(upload.read_response());
    }
    EXPECT_TRUE(eventually([&] { return buffered() == 0; }));
    EXPECT_TRUE(eventually([&] {
        return metric(gateway_, "sluicegate_requests_total", {"outcome=\"overloaded\""}) == 1;
    }));

    TestClient again = gateway_.connect();
    again.send(request);
    expect_success(again.read_response());
}

}  // namespace
}  // namespace sluicegate::support
