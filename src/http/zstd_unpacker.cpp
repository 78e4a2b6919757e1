// For ZSTD_createDCtx_advanced() alone, whose form has not changed since zstd 1.0. Without it, what
// the library takes could not be claimed before.
#define ZSTD_STATIC_LINKING_ONLY
#include "http/unpacker.hpp"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluicegate::http {
namespace {

constexpr int zstd_window_log_max = 23;  // RFC 9659: 8 MiB
constexpr std::uint32_t zstd_magic = 0xFD2FB528;
constexpr std::uint32_t skippable_magic = 0x184D2A50;  // and the 15 after it

class ZstdUnpacker final : public Unpacker {
public:
    ZstdUnpacker(MemoryBudget& budget, MemoryUse use, MemoryShare* share) noexcept
        : heap_(budget, use, share),
          context_(ZSTD_createDCtx_advanced(
              {CountedHeap::take_for, CountedHeap::give_back_for, &heap_})) {
        if (context_ == nullptr) return;
        ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, zstd_window_log_max);
    }
    ~ZstdUnpacker() override { ZSTD_freeDCtx(context_); }

    [[nodiscard]] Step unpack(std::string_view input, std::span<char> output) noexcept override {
        if (context_ == nullptr) return {0, 0, "no memory"};
        Step step;
        while (step.flaw == nullptr && step.produced < output.size()) {
            if (is_between_frames_ && !take_magic(input, step)) break;
            ZSTD_inBuffer in{input.data(), input.size(), step.consumed};
            decompress(in, output, step);
            step.consumed = in.pos;
            if (step.consumed == input.size()) break;
        }
        return step;
    }
    [[nodiscard]] bool is_at_end() const noexcept override {
        return is_between_frames_ && magic_size_ == 0;
    }
    [[nodiscard]] bool lacks_memory() const noexcept override { return heap_.has_refused(); }

private:
    /// The library would also read its formats from before RFC 8878, with memory of their own. True
    /// once the frame that begins is one of today, and the library has its first bytes.
    bool take_magic(std::string_view input, Step& step) noexcept {
        while (magic_size_ < magic_.size() && step.consumed < input.size()) {
            magic_[magic_size_++] = static_cast<unsigned char>(input[step.consumed++]);
        }
        if (magic_size_ < magic_.size()) return false;
        std::uint32_t magic = 0;
        for (std::size_t at = magic_.size(); at > 0; --at) magic = magic << 8U | magic_[at - 1];
        if (magic != zstd_magic && (magic & ~std::uint32_t{0xF}) != skippable_magic) {
            step.flaw = has_had_frame_ ? "bytes behind its end" : "it does not begin as zstd does";
            return false;
        }
        magic_size_ = 0;
        has_had_frame_ = true;
        is_between_frames_ = false;
        ZSTD_inBuffer in{magic_.data(), magic_.size(), 0};
        decompress(in, {}, step);
        return step.flaw == nullptr;
    }

    void decompress(ZSTD_inBuffer& in, std::span<char> output, Step& step) noexcept {
        ZSTD_outBuffer out{output.data(), output.size(), output.empty() ? 0 : step.produced};
        const std::size_t before = out.pos;
        const std::size_t result = ZSTD_decompressStream(context_, &out, &in);
        step.produced += out.pos - before;
        if (ZSTD_isError(result) != 0) step.flaw = ZSTD_getErrorName(result);
        if (result == 0) is_between_frames_ = true;
    }

    CountedHeap heap_;
    ZSTD_DCtx* context_;
    std::array<unsigned char, 4> magic_{};
    std::size_t magic_size_ = 0;
    bool is_between_frames_ = true;
    bool has_had_frame_ = false;
};

}  // namespace

std::unique_ptr<Unpacker> new_zstd_unpacker(MemoryBudget& budget, MemoryUse use,
                                            MemoryShare* share) {
    return std::make_unique<ZstdUnpacker>(budget, use, share);
}

}  // namespace sluicegate::http
