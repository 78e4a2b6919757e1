/// What a proxy answers to CONNECT, in pieces: the tunnel is open only after one 2xx head, and not
/// one byte behind that head is taken from the endpoint. The first byte chooses the pieces.

#include "sluicegate/http/response_head.hpp"

#include "fuzz/choices.hpp"
#include "fuzz/growth.hpp"
#include "fuzz/require.hpp"
#include "net/manual_clock.hpp"
#include "net/raw_peer.hpp"
#include "net/running_task.hpp"
#include "upstream/proxy_tunnel.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace sluicegate;
using fuzz::require;

struct Opened {
    bool is_open = false;
    std::string detail;
    std::size_t untaken_bytes = 0;  ///< of the answer
};

Opened open_with(std::string_view answer, std::size_t piece_bytes) {
    test::ManualClock clock;
    net::asio::io_context context;
    net::Deadlines deadlines(clock.now());
    test::ConnectedPair pair = test::unix_pair(context);
    net::TimedStream stream(deadlines, std::move(pair.socket), nullptr);
    const config::Proxy proxy{.host = "proxy.test", .port = 3128};
    const config::Endpoint target{
        .tls = true, .host = "2001:db8::1", .port = 443, .path_prefix = ""};
    test::RunningTask<Result<void>> task(
        context, upstream::open_tunnel(stream, proxy, target, Instant::max()));
    require(pair.peer.received() ==
                "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nhost: [2001:db8::1]:443\r\n\r\n",
            "the proxy is asked for the endpoint");
    std::string_view rest = answer;
    while (!rest.empty() && !task.is_done()) {
        const std::string_view piece = rest.substr(0, piece_bytes);
        pair.peer.send(piece);
        rest.remove_prefix(piece.size());
    }
    pair.peer.shutdown_send();
    const bool is_done = task.is_done();
    require(is_done, "the end of the connection ends the wait");
    const auto outcome = task.take();
    std::array<char, 1 << 16> left;
    const auto left_bytes =
        ::recv(stream.stream().native_handle(), left.data(), left.size(), MSG_DONTWAIT);
    Opened opened{
        .is_open = outcome.has_value(),
        .detail = {},
        .untaken_bytes = rest.size() + static_cast<std::size_t>(std::max<ssize_t>(left_bytes, 0))};
    if (!outcome) {
        require(outcome.error().kind == ErrorKind::upstream_unreachable,
                "a proxy's failure is one of the way");
        opened.detail = outcome.error().detail;
    }
    return opened;
}

/// Ends where a final head does; 0 when there is none that opens the tunnel.
std::size_t end_of_opening_head(std::string_view answer) {
    constexpr http::HeadLimits limits{.head_bytes_max = 16 * 1024};
    std::size_t at = 0;
    for (int heads = 0; heads < 9; ++heads) {
        const auto end = http::find_response_head_end(answer.substr(at), 0, limits);
        http::ResponseHead head;
        if (!end || *end == 0 ||
            !http::parse_response_head(answer.substr(at, *end), http::Method::head, limits, head)) {
            return 0;
        }
        at += *end;
        if (head.status >= 200) return head.status < 300 ? at : 0;
    }
    return 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t answer_bytes_max = 20'000;
    fuzz::Choices choices(data, std::min(size, answer_bytes_max));
    const std::size_t step = std::size_t{1} + choices.byte();
    const std::string answer(choices.rest());
    const std::size_t head_end = end_of_opening_head(answer);
    const fuzz::GrowthCheck growth(
        size, {.base_bytes = 400'000, .held_per_byte = 20, .taken_per_byte = 60});
    for (const std::size_t piece_bytes : {std::max<std::size_t>(answer.size(), 1), step}) {
        const Opened opened = open_with(answer, piece_bytes);
        require(!opened.is_open || head_end > 0, "only a 2xx opens a tunnel");
        require(!opened.is_open || answer.size() - opened.untaken_bytes == head_end,
                "what follows the head is the endpoint's");
        // One read may take less than a long piece.
        const bool is_alone =
            head_end > 0 && (head_end % piece_bytes == 0 || head_end == answer.size());
        require(opened.is_open == is_alone || piece_bytes > 1000, "a 2xx alone opens the tunnel");
        require(opened.detail.size() < 200, "the reason is short");
    }
    return 0;
}
