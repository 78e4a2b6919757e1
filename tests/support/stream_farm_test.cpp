#include "support/stream_farm.hpp"

#include "support/script.hpp"
#include "support/test_client.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluicegate::support {
namespace {

std::uint16_t port_of(const StreamFarm& farm) {
    const std::string url = farm.base_url();
    return static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

TEST(StreamFarm, RunsStreamsUntilTheyMayEndAndSeesWhoLeaves) {
    StreamFarm farm(milliseconds(5), 7);
    TestClient staying(port_of(farm));
    TestClient leaving(port_of(farm));
    staying.send(request("POST", "/v1/chat/completions", "X-Client-Request-Id: stays\r\n", "{}"));
    leaving.send(request("POST", "/v1/chat/completions", "X-Client-Request-Id: leaves\r\n", "{}"));
    ASSERT_TRUE(farm.wait_for_running(2));
    EXPECT_EQ(leaving.read_head().status, 200);
    ASSERT_TRUE(leaving.read_until("word"));
    leaving.wire().close();
    ASSERT_TRUE(farm.wait_for_running(1));
    farm.finish_streams();
    const Response response = staying.read_response();
    EXPECT_TRUE(response.is_complete);
    EXPECT_TRUE(response.body.ends_with(done_event));

    const auto streams = farm.streams();
    EXPECT_TRUE(streams.at("stays").was_finished);
    EXPECT_FALSE(streams.at("stays").left);
    EXPECT_TRUE(streams.at("leaves").left);
    EXPECT_FALSE(streams.at("leaves").was_finished);
    EXPECT_NE(response.body.find(usage_event(7, streams.at("stays").events)), std::string::npos);
}

}  // namespace
}  // namespace sluicegate::support
