/// Asio recycles what coroutines and operations allocate, up to 1,020 bytes. A larger frame is
/// allocated anew for each request, and drives out a recycled one.
///
/// The sizes depend on the compiler: they are held for the one that builds releases.

#include "gateway/in_process_gateway.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <malloc.h>
#include <string>
#include <vector>

#if defined(NDEBUG) && !defined(__clang__)

namespace {
bool is_watching = false;
std::size_t largest = 0;
std::size_t watched = 0;
}  // namespace

// Only Asio allocates with an alignment.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) {
    if (is_watching) {
        largest = std::max(largest, size);
        ++watched;
    }
    return ::memalign(alignment, size);
}

namespace sluicegate::gateway {
namespace {

using test::chat_request;
using test::InProcessGateway;

constexpr std::size_t recycled_bytes_max = 1020;

TEST(FrameSize, OfEveryCoroutineOfARequestIsOneThatAsioRecycles) {
    struct Row {
        const char* name;
        std::string request;
        std::string answer;
    };
    const std::string body = R"({"choices":[{"index":0,"message":{"content":"x"}}]})";
    const std::vector<Row> rows{
        {"JSON", chat_request(),
         "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: " +
             std::to_string(body.size()) + "\r\n\r\n" + body},
        {"a stream", chat_request({.body = test::stream_body}),
         "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: "
         "chunked\r\n\r\n" +
             std::string(test::text_event) + "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"},
        {"an error", chat_request(), "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        InProcessGateway gateway;
        test::RawPeer& client = gateway.connect();
        for (const bool is_first : {true, false}) {
            // The frames of the connections themselves come with the first request.
            is_watching = !is_first;
            largest = 0;
            watched = 0;
            client.send(row.request);
            gateway.settle();
            ASSERT_EQ(gateway.upstreams.size(), 1U);
            gateway.upstreams[0].send(row.answer);
            gateway.settle();
            is_watching = false;
            EXPECT_TRUE(client.received().starts_with("HTTP/1.1 "));
        }
        EXPECT_LE(largest, recycled_bytes_max);
        EXPECT_GT(watched, 3U) << "the hook is in use";
    }
}

}  // namespace
}  // namespace sluicegate::gateway

#endif
