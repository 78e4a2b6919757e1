#pragma once
/// Connects to the first of several addresses that answers.
///
/// Attempts begin one after another, `stagger` apart, or at once after a failure. The first that
/// connects wins, and the others are closed. An address that drops packets costs `stagger`, not a
/// timeout.
/// Waiting  it ends when an attempt wins, when all have failed, at its deadline, or by cancel().
/// Threads  one: the worker's.
/// Source   RFC 8305 section 5. The caller orders the addresses (section 4).

#include "sluicegate/base/result.hpp"
#include "sluicegate/net/deadlines.hpp"
#include "sluicegate/net/types.hpp"
#include "sluicegate/net/wait.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <vector>

namespace sluicegate::net {

class ConnectRace {
public:
    /// "Connection Attempt Delay"; up to a tick longer.
    static constexpr Milliseconds stagger{250};

    /// `addresses`: at least one, in the order of the attempts.
    ConnectRace(asio::io_context& context, Deadlines& deadlines,
                std::vector<asio::ip::tcp::endpoint> addresses);
    ConnectRace(const ConnectRace&) = delete;
    ConnectRace& operator=(const ConnectRace&) = delete;
    /// Closes all attempts that have not won.
    ~ConnectRace();

    /// Call once. Errors: upstream_unreachable, with what each address that was tried said; after
    /// the deadline, too.
    Task<Result<Socket>> run(Instant deadline = Instant::max());
    /// Ends run() at once.
    void cancel() noexcept;

    /// After run(): the addresses that failed, and those that lost against a later attempt. If
    /// run() was cancelled, an attempt that still ran counts only if another was started because of
    /// it.
    [[nodiscard]] std::vector<asio::ip::tcp::endpoint> losers() const;

private:
    struct Contender;
    void start_next();
    [[nodiscard]] bool have_all_failed() const noexcept;
    [[nodiscard]] Contender* winner() const noexcept;
    [[nodiscard]] Failure failure() const;

    asio::io_context& context_;
    std::vector<asio::ip::tcp::endpoint> addresses_;
    Deadlines& deadlines_;
    Wait wait_;
    std::vector<std::shared_ptr<Contender>> contenders_;  ///< in the order of their start
    Instant next_at_ = Instant::min();  ///< when the next attempt begins, if none wins before
    bool is_cancelled_ = false;
};

}  // namespace sluicegate::net
