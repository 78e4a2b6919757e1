#pragma once
/// The body of an answer with a content coding, decoded as it arrives.
///
/// Memory   what is decoded and not consumed, and the state of the decoder, count in server.memory.
/// Errors   upstream_bad_response for damaged content, and for more than ContentDecoder lets coded
///          bytes grow to; upstream_closed for content that ends too early; overloaded.

#include "sluicegate/http/content_decoder.hpp"
#include "sluicegate/net/byte_buffer.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace sluicegate::upstream {

class DecodedAnswer {
public:
    DecodedAnswer(http::ContentCoding coding, MemoryBudget& budget, MemoryShare* share)
        : coding_(coding),
          decoder_(coding,
                   {.malformed = ErrorKind::upstream_bad_response,
                    .cut = ErrorKind::upstream_closed,
                    .expansion = ErrorKind::upstream_bad_response},
                   {.budget = budget, .use = MemoryUse::answer, .share = share}),
          content_(0, budget, MemoryUse::answer) {
        content_.charge_to(share);
    }

    [[nodiscard]] std::string_view content() const noexcept { return content_.unread(); }
    void consume(std::size_t count) noexcept { content_.consume(count); }

    /// The first byte shows that the head was wrong: no content of the coding begins with it.
    [[nodiscard]] bool is_mislabelled(std::string_view coded) noexcept {
        if (has_begun_ || coded.empty()) return false;
        has_begun_ = true;
        const char first = coded.front();
        if (coding_ == http::ContentCoding::gzip) return first != '\x1f';
        const bool has_magic = first == '\x28' || (first >= '\x50' && first <= '\x5f');
        return coding_ == http::ContentCoding::zstd && !has_magic;
    }
    /// Decodes as much of `coded` as makes one slice; returns how much that was. All of it, unless
    /// has_more().
    Result<std::size_t> decode(std::string_view coded) {
        const std::span<char> room = content_.try_make_room(room_bytes);
        if (room.empty()) return fail(ErrorKind::overloaded, "no room for its decoded answer");
        const std::size_t size = std::min(room.size(), slice_bytes);
        auto step = decoder_.decode(coded, room.first(size));
        if (!step) return std::move(step).failure();
        content_.commit(step->produced);
        has_more_ = step->produced == size;
        return step->consumed;
    }
    /// What was given in may hold more than the last slice.
    [[nodiscard]] bool has_more() const noexcept { return has_more_; }
    [[nodiscard]] bool is_whole() const noexcept { return !has_more_ && decoder_.is_whole(); }
    [[nodiscard]] Failure cut() const { return decoder_.cut(); }

private:
    static constexpr std::size_t slice_bytes = 32 * 1024;
    static constexpr std::size_t room_bytes = 4 * 1024;

    http::ContentCoding coding_;
    http::ContentDecoder decoder_;
    net::ByteBuffer content_;
    bool has_begun_ = false;
    bool has_more_ = false;
};

}  // namespace sluicegate::upstream
