#pragma once
/// An upstream for very many streams at once. Each stream gets an event at a steady pace, until the
/// test lets all of them end with their usage. One thread serves all of them, so a thousand cost
/// little.
///
/// Threads    one of its own; every member may be called at any time.
/// Requests   one per connection, with a Content-Length body; anything else is ignored.

#include "support/http_message.hpp"
#include "support/wire.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sluicegate::support {

/// One stream, by the `x-client-request-id` of its request.
struct FarmStream {
    int events = 0;             ///< written so far
    bool was_finished = false;  ///< usage and [DONE] were written
    /// When the gateway closed the connection before that.
    std::optional<std::chrono::steady_clock::time_point> left{};
};

class StreamFarm {
public:
    /// Each stream gets an event every `pace`, and reports `prompt_tokens` and one output token for
    /// each event.
    StreamFarm(milliseconds pace, int prompt_tokens);
    ~StreamFarm();
    StreamFarm(const StreamFarm&) = delete;
    StreamFarm& operator=(const StreamFarm&) = delete;

    [[nodiscard]] std::string base_url() const;
    /// Streams end with their next event from now on; false turns that back.
    void finish_streams(bool is_finishing = true) { is_finishing_ = is_finishing; }
    [[nodiscard]] std::map<std::string, FarmStream> streams() const;
    /// Until so many connections are open, neither finished nor left.
    [[nodiscard]] bool wait_for_running(std::size_t count, Deadline deadline = Deadline()) const;

private:
    struct Connection {
        Wire wire;
        std::string received{};
        std::string id{};
        bool is_streaming = false;
        std::chrono::steady_clock::time_point next{};
    };
    void run();
    void accept_all();
    /// False when the connection is over.
    [[nodiscard]] bool serve(Connection& connection);
    [[nodiscard]] bool read_request(Connection& connection);
    [[nodiscard]] bool write_event(Connection& connection);

    ListeningSocket socket_{4096};
    milliseconds pace_;
    int prompt_tokens_;
    std::atomic<bool> is_stopping_{false};
    std::atomic<bool> is_finishing_{false};
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::map<std::string, FarmStream> streams_;
    std::size_t running_ = 0;
    std::vector<Connection> connections_;  // the farm's own thread's
    std::thread thread_;
};

}  // namespace sluicegate::support
