#pragma once
/// The body of an answer with content codings, decoded as it arrives.
///
/// Memory   what is decoded and not consumed, and the state of the decoders, count in
///          server.memory.
/// Errors   upstream_bad_response for damaged content, and for more than ContentDecoder lets coded
///          bytes grow to; upstream_closed for content that ends too early; overloaded.

#include "sluicegate/http/content_decoder.hpp"
#include "sluicegate/net/byte_buffer.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace sluicegate::upstream {

class DecodedAnswer {
public:
    /// `codings` in the order in which they were applied; at least one.
    DecodedAnswer(std::span<const http::ContentCoding> codings, MemoryBudget& budget,
                  MemoryShare* share)
        : decoder_(codings.back(),
                   {.malformed = ErrorKind::upstream_bad_response,
                    .cut = ErrorKind::upstream_closed,
                    .expansion = ErrorKind::upstream_bad_response},
                   {.budget = budget, .use = MemoryUse::answer, .share = share},
                   codings.size() > 1 ? coded_growth : http::ContentDecoder::usual_growth),
          content_(0, budget, MemoryUse::answer) {
        content_.charge_to(share);
        const auto inner = codings.first(codings.size() - 1);
        if (!inner.empty()) inner_ = std::make_unique<DecodedAnswer>(inner, budget, share);
    }

    [[nodiscard]] std::string_view content() const noexcept {
        return inner_ ? inner_->content() : content_.unread();
    }
    void consume(std::size_t count) noexcept {
        return inner_ ? inner_->consume(count) : content_.consume(count);
    }

    /// Decodes as much of `coded` as makes a slice of content; returns how much that was. All of
    /// it, unless has_more().
    Result<std::size_t> decode(std::string_view coded) {
        if (!inner_) return decode_slice(coded);
        std::size_t consumed = 0;
        const std::size_t had = content().size();
        do {
            // What is left of an earlier slice comes first.
            if (!inner_->has_more() && content_.empty()) {
                auto slice = decode_slice(coded.substr(consumed));
                if (!slice) return slice;
                consumed += *slice;
            }
            auto taken = inner_->decode(content_.unread());
            if (!taken) return taken;
            content_.consume(*taken);
        } while (has_more() && content().size() == had);
        return consumed;
    }
    /// What was given in may hold more than the last slice.
    [[nodiscard]] bool has_more() const noexcept {
        return has_more_ || (inner_ && (inner_->has_more() || !content_.empty()));
    }
    [[nodiscard]] bool is_whole() const noexcept {
        return !has_more() && decoder_.is_whole() && (!inner_ || inner_->is_whole());
    }
    [[nodiscard]] Failure cut() const {
        return decoder_.is_whole() && inner_ ? inner_->cut() : decoder_.cut();
    }

private:
    /// Of what is coded itself, and so hardly repeats. The work that comes to nothing is bounded by
    /// it: content can be long in one coding and empty in the next.
    static constexpr http::ContentDecoder::Growth coded_growth{.free_bytes = 64 * 1024,
                                                               .ratio_max = 10};
    static constexpr std::size_t slice_bytes = 32 * 1024;
    static constexpr std::size_t room_bytes = 4 * 1024;

    Result<std::size_t> decode_slice(std::string_view coded) {
        const std::span<char> room = content_.try_make_room(room_bytes);
        if (room.empty()) return fail(ErrorKind::overloaded, "no room for its decoded answer");
        const std::size_t size = std::min(room.size(), slice_bytes);
        auto step = decoder_.decode(coded, room.first(size));
        if (!step) return std::move(step).failure();
        content_.commit(step->produced);
        has_more_ = step->produced == size;
        return step->consumed;
    }

    http::ContentDecoder decoder_;
    net::ByteBuffer content_;
    std::unique_ptr<DecodedAnswer> inner_;  ///< decodes what comes out here; null for the last
    bool has_more_ = false;
};

}  // namespace sluicegate::upstream
