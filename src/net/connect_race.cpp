#include "sluicegate/net/connect_race.hpp"

#include "sluicegate/net/stream.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace sluicegate::net {

using asio::ip::tcp;

/// One attempt. Its handler may run after the race has ended, and keeps it alive until then.
struct ConnectRace::Contender {
    Contender(asio::io_context& context, const tcp::endpoint& where, ConnectRace* its_race)
        : socket(context.get_executor()), address(where), race(its_race) {}

    [[nodiscard]] bool has_failed() const noexcept { return outcome && outcome->failed(); }
    void end(const ErrorCode& error) {
        outcome = error;
        if (race == nullptr) return;
        if (error) race->next_at_ = Instant::min();
        race->wait_.wake();
    }

    Socket socket;
    tcp::endpoint address;
    std::optional<ErrorCode> outcome;
    ConnectRace* race;  ///< null once that has ended
};

ConnectRace::ConnectRace(asio::io_context& context, Deadlines& deadlines,
                         std::vector<tcp::endpoint> addresses)
    : context_(context),
      addresses_(std::move(addresses)),
      deadlines_(deadlines),
      wait_(context, deadlines) {
}

ConnectRace::~ConnectRace() {
    for (const auto& contender : contenders_) {
        contender->race = nullptr;
        ErrorCode ignored;
        contender->socket.close(ignored);
    }
}

void ConnectRace::cancel() noexcept {
    is_cancelled_ = true;
    wait_.wake();
}

void ConnectRace::start_next() {
    auto contender = std::make_shared<Contender>(context_, addresses_[contenders_.size()], this);
    contenders_.push_back(contender);
    next_at_ = deadlines_.now() + Deadlines::tick_length + stagger;

    const asio::generic::stream_protocol::endpoint endpoint(contender->address);
    ErrorCode error;
    contender->socket.open(endpoint.protocol(), error);
    if (error) return contender->end(error);
    set_no_delay(contender->socket);
    set_keep_alive(contender->socket.native_handle());
    contender->socket.async_connect(
        endpoint, [contender](const ErrorCode& ended_with) { contender->end(ended_with); });
}

ConnectRace::Contender* ConnectRace::winner() const noexcept {
    for (const auto& contender : contenders_) {
        if (contender->outcome && !contender->has_failed()) return contender.get();
    }
    return nullptr;
}

bool ConnectRace::have_all_failed() const noexcept {
    return contenders_.size() == addresses_.size() &&
           std::all_of(contenders_.begin(), contenders_.end(),
                       [](const auto& contender) { return contender->has_failed(); });
}

Failure ConnectRace::failure() const {
    ErrorKind kind = ErrorKind::upstream_unreachable;
    std::string detail = "connecting to ";
    for (const auto& contender : contenders_) {
        if (contender != contenders_.front()) detail += "; to ";
        detail += contender->address.address().to_string() + ": ";
        detail += contender->outcome ? contender->outcome->message() : "no answer";
        // The upstream is not to blame.
        if (contender->outcome && is_shortage(*contender->outcome)) kind = ErrorKind::overloaded;
    }
    return fail(kind, std::move(detail));
}

std::vector<tcp::endpoint> ConnectRace::losers() const {
    std::vector<tcp::endpoint> all;
    for (const auto& contender : contenders_) {
        const bool was_overtaken = !contender->outcome && contender != contenders_.back();
        if (contender->has_failed() || was_overtaken) all.push_back(contender->address);
    }
    return all;
}

Task<Result<Socket>> ConnectRace::run(Instant deadline) {
    while (!is_cancelled_ && deadlines_.now() < deadline) {
        if (Contender* won = winner()) co_return std::move(won->socket);
        if (have_all_failed()) break;
        const bool has_next = contenders_.size() < addresses_.size();
        if (has_next && deadlines_.now() >= next_at_) {
            start_next();
        } else {
            co_await wait_.until(has_next ? std::min(next_at_, deadline) : deadline);
        }
    }
    co_return failure();
}

}  // namespace sluicegate::net
