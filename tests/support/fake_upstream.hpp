#pragma once
/// A scripted HTTP server on 127.0.0.1 in place of a model provider. It records everything that it
/// receives.
///
/// Threads    one for accepting and one per connection; every member may be called at any time.
/// Waiting    wait_* return false when the deadline passed first.

#include "support/http_message.hpp"
#include "support/script.hpp"
#include "support/wire.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluicegate::support {

/// One request as it arrived.
struct ReceivedRequest {
    int connection = 0;  ///< counted from 0 in the order of accepting
    MessageHead head;
    std::string body;                                 ///< decoded when it came chunked
    std::chrono::steady_clock::time_point arrived{};  ///< when all of it was there
    [[nodiscard]] std::string method() const;
    [[nodiscard]] std::string target() const;
};

/// One connection, as far as it has got.
struct ConnectionRecord {
    bool is_tls_established = false;
    bool is_session_resumed = false;
    std::string server_name;  ///< SNI, "" when none was sent
    std::string received;     ///< every byte, after decryption
    std::size_t bytes_sent = 0;
    bool peer_closed = false;                        ///< FIN or RST came from the gateway
    std::chrono::steady_clock::time_point closed{};  ///< when that was noticed
    bool is_over = false;
};

class FakeUpstream {
public:
    using Handler = std::function<Script(const ReceivedRequest&)>;

    /// Plain, or under TLS with a context of server_context().
    explicit FakeUpstream(SslContext tls = nullptr);
    ~FakeUpstream();
    FakeUpstream(const FakeUpstream&) = delete;
    FakeUpstream& operator=(const FakeUpstream&) = delete;

    [[nodiscard]] std::uint16_t port() const { return socket_.port(); }
    /// "http://127.0.0.1:PORT/v1", or https.
    [[nodiscard]] std::string base_url(const std::string& host = "127.0.0.1") const;

    /// Sets the answer to every request without a queued script. Before the first call that is
    /// answer_to() its target.
    void answer(Script script);
    void answer_with(Handler handler);
    /// Sets the answer to the next request. Several answers are used in order.
    void answer_next(Script script);
    /// Runs on each new connection (number given) before a request is read; under TLS after the
    /// handshake.
    void on_connect(std::function<Script(int)> script);
    /// Answers as soon as the head is there, without waiting for the body.
    void answer_before_the_body();
    /// Accepts no TLS handshake: the peer's hello stays unanswered.
    void ignore_handshakes() { ignores_handshakes_ = true; }
    /// Refuses connections, on the same port, until accept_connections(). Connections that are
    /// open stay so.
    void refuse_connections() { socket_.stop_listening(); }
    void accept_connections() { socket_.listen_again(); }

    [[nodiscard]] std::vector<ReceivedRequest> requests() const;
    [[nodiscard]] std::vector<ConnectionRecord> connections() const;
    [[nodiscard]] bool wait_for_requests(std::size_t count, Deadline deadline = Deadline()) const;
    [[nodiscard]] bool wait_for_connections(std::size_t count,
                                            Deadline deadline = Deadline()) const;
    /// Until the gateway has closed the connection of that number.
    [[nodiscard]] bool wait_for_peer_close(std::size_t connection,
                                           Deadline deadline = Deadline()) const;
    /// Until the predicate holds for that connection.
    [[nodiscard]] bool wait_for(std::size_t connection,
                                const std::function<bool(const ConnectionRecord&)>& predicate,
                                Deadline deadline = Deadline()) const;

private:
    void accept_loop();
    void serve(Wire wire, int number);
    [[nodiscard]] bool start_tls(Wire& wire, int number);
    /// False when the connection is over.
    [[nodiscard]] bool serve_one(Wire& wire, int number, std::string& buffer);
    [[nodiscard]] bool read_more(Wire& wire, int number, std::string& buffer);
    [[nodiscard]] bool run(const Script& script, Wire& wire, int number);
    [[nodiscard]] bool run_step(const Step& step, Wire& wire, int number);
    /// Sends all of it, unless the peer leaves or the server stops.
    [[nodiscard]] bool send(Wire& wire, int number, std::string_view bytes);
    [[nodiscard]] bool hold(Wire& wire, int number, const std::function<bool()>& until);
    [[nodiscard]] Script script_for(const ReceivedRequest& request);
    void note_peer_closed(int number);
    void update(int number, const std::function<void(ConnectionRecord&)>& change);

    ListeningSocket socket_;
    SslContext tls_;
    std::atomic<bool> is_stopping_{false};
    std::atomic<bool> ignores_handshakes_{false};
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    Handler handler_;
    std::function<Script(int)> on_connect_;
    std::deque<Script> queue_;
    bool answers_before_the_body_ = false;
    std::vector<ReceivedRequest> requests_;
    std::vector<ConnectionRecord> connections_;
    std::vector<std::thread> threads_;  ///< touched by the accepting thread, and after its end
    std::thread acceptor_;
};

}  // namespace sluicegate::support
