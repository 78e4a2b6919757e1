#pragma once
/// What the tests of routes and upstreams share: upstreams that sign their answers, so that each
/// answer says who gave it, and configurations with several of them.

#include "behaviour/harness.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::support {

/// A configuration of just these upstreams and models. Users alice, bob and carol, without limits;
/// every failed attempt may be repeated.
[[nodiscard]] ConfigText routes_config(const std::string& upstreams, const std::string& models);
/// "  NAME: {kind: openai, endpoints: [\"…\", …], api_key: …, OPTIONS}\n"
[[nodiscard]] std::string endpoints_line(const std::string& name,
                                         const std::vector<std::string>& urls,
                                         const std::string& options = {});
/// "  NAME:\n    keys:\n …"
[[nodiscard]] std::string user_lines(const std::string& name, std::string_view key,
                                     const std::string& more = {});

/// A good answer whose text is `text`: an event stream with [DONE] where one was asked for.
[[nodiscard]] std::string signed_answer(std::string_view text, bool is_streaming = false,
                                        int prompt_tokens = 1, int completion_tokens = 1,
                                        const FieldText& more_fields = {});
[[nodiscard]] bool asks_for_stream(const ReceivedRequest& request);
/// Every request gets signed_answer(text), after `delay`.
void sign(FakeUpstream& upstream, const std::string& text, milliseconds delay = milliseconds(0),
          const FieldText& more_fields = {});

/// 200, complete, exactly one answer, and it is `text`'s.
void expect_answer_of(const Response& response, std::string_view text, bool is_streaming = false);
/// The attempts that the answer tells of; -1 when it tells of none.
[[nodiscard]] std::int64_t attempts_of(const Response& response);
/// Requests that reached it.
[[nodiscard]] std::size_t count(const FakeUpstream& upstream);

/// How many requests a server works on at once, and the most that there ever were.
class OpenRequests {
public:
    void begin() {
        const int now = ++open_;
        for (int most = most_; now > most && !most_.compare_exchange_weak(most, now);) {
        }
    }
    void end() { --open_; }
    [[nodiscard]] int now() const { return open_; }
    [[nodiscard]] int most() const { return most_; }

private:
    std::atomic<int> open_{0};
    std::atomic<int> most_{0};
};

/// Answers like sign(), and counts. A request is over before the last of its answer is sent, since
/// from then on its place may be taken.
void sign_and_count(FakeUpstream& upstream, const std::string& text, OpenRequests& open,
                    milliseconds delay);

/// `clients` connections at once, each with `each` requests, one after another; `check` sees every
/// answer and may be called from several threads.
struct Load {
    int clients = 8;
    int each = 1;
    std::string request;
};
void run_load(const Gateway& gateway, const Load& load,
              const std::function<void(const Response&)>& check);

}  // namespace sluicegate::support
