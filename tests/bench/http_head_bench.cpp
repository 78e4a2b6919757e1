/// What does the head of a typical SDK request cost, in ns, from raw bytes to a checked head?
///
/// The yardstick is Boost.Beast's basic_parser filling the same table, without any check of ours;
/// docs/decisions/0002-own-head-parser.md says what followed. Run with
/// --benchmark_enable_random_interleaving=true --benchmark_repetitions=15.

#include "sluicegate/http/field_table.hpp"
#include "sluicegate/http/request_head.hpp"

// Only this file uses Beast's parser: header-only here, so that nothing else need be linked.
#undef BOOST_ASIO_SEPARATE_COMPILATION
#include <benchmark/benchmark.h>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace sluicegate::http {
namespace {

namespace beast = boost::beast;

/// What openai-python 1.x sends, with a key of the usual length: 16 fields.
constexpr std::string_view sdk_head =
    "POST /v1/chat/completions HTTP/1.1\r\n"
    "Host: gateway.internal.example:8080\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\n"
    "Accept: application/json\r\n"
    "Content-Type: application/json\r\n"
    "User-Agent: AsyncOpenAI/Python 1.59.6\r\n"
    "X-Stainless-Lang: python\r\n"
    "X-Stainless-Package-Version: 1.59.6\r\n"
    "X-Stainless-OS: Linux\r\n"
    "X-Stainless-Arch: x64\r\n"
    "X-Stainless-Runtime: CPython\r\n"
    "X-Stainless-Runtime-Version: 3.11.2\r\n"
    "Authorization: Bearer sk-sg-8fJ2kQ0vYc7LwXr1TzN5bM3hPdG6sAeU9iKoVyBt4Rq\r\n"
    "X-Stainless-Async: async:asyncio\r\n"
    "x-stainless-retry-count: 0\r\n"
    "Content-Length: 936\r\n"
    "\r\n";

class BeastIntoTable final : public beast::http::basic_parser<true> {
public:
    explicit BeastIntoTable(FieldTable& fields) : fields_(fields) {}

private:
    using string_view = beast::string_view;
    using error_code = beast::error_code;

    void on_request_impl(beast::http::verb, string_view, string_view, int, error_code&) override {}
    void on_response_impl(int, string_view, int, error_code&) override {}
    void on_field_impl(beast::http::field, string_view name, string_view value,
                       error_code& ec) override {
        if (!fields_.add({name.data(), name.size()}, {value.data(), value.size()})) {
            ec = beast::http::error::header_limit;
        }
    }
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(string_view body, error_code&) override { return body.size(); }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
        return body.size();
    }
    void on_finish_impl(error_code&) override {}

    FieldTable& fields_;
};

void find_head_end(benchmark::State& state) {
    const HeadLimits limits;
    for (auto _ : state) {
        std::string_view bytes = sdk_head;
        benchmark::DoNotOptimize(bytes);
        auto size = find_request_head_end(bytes, 0, limits);
        if (!size || *size != bytes.size()) std::abort();
    }
}
BENCHMARK(find_head_end);

void parse_head(benchmark::State& state) {
    const HeadLimits limits;
    RequestHead head;
    for (auto _ : state) {
        std::string_view bytes = sdk_head;
        benchmark::DoNotOptimize(bytes);
        if (!parse_request_head(bytes, limits, head)) std::abort();
        benchmark::DoNotOptimize(head);
    }
}
BENCHMARK(parse_head);

void find_and_parse_head(benchmark::State& state) {
    const HeadLimits limits;
    RequestHead head;
    for (auto _ : state) {
        std::string_view bytes = sdk_head;
        benchmark::DoNotOptimize(bytes);
        const auto size = find_request_head_end(bytes, 0, limits);
        if (!size || !parse_request_head(bytes.substr(0, *size), limits, head)) std::abort();
        benchmark::DoNotOptimize(head);
    }
}
BENCHMARK(find_and_parse_head);

void parse_head_by_beast_without_our_checks(benchmark::State& state) {
    FieldTable fields;
    for (auto _ : state) {
        std::string_view bytes = sdk_head;
        benchmark::DoNotOptimize(bytes);
        fields.clear();
        BeastIntoTable parser(fields);
        parser.header_limit(16384);
        beast::error_code ec;
        parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
        if (ec || fields.size() != 16) std::abort();
        benchmark::DoNotOptimize(fields);
    }
}
BENCHMARK(parse_head_by_beast_without_our_checks);

void find_fields_by_name(benchmark::State& state) {
    RequestHead head;
    if (!parse_request_head(sdk_head, {}, head)) std::abort();
    for (auto _ : state) {
        benchmark::DoNotOptimize(head.fields.find("authorization"));
        benchmark::DoNotOptimize(head.fields.find("content-type"));
        benchmark::DoNotOptimize(head.fields.find("x-api-key"));
    }
}
BENCHMARK(find_fields_by_name);

}  // namespace
}  // namespace sluicegate::http
