#include "http/unpacker.hpp"

#include <brotli/decode.h>

namespace sluicegate::http {
namespace {

/// Large windows, an extension of the format, stay refused: that is the library's default.
class BrotliUnpacker final : public Unpacker {
public:
    BrotliUnpacker(MemoryBudget& budget, MemoryUse use, MemoryShare* share) noexcept
        : heap_(budget, use, share),
          state_(BrotliDecoderCreateInstance(CountedHeap::take_for, CountedHeap::give_back_for,
                                             &heap_)) {}
    ~BrotliUnpacker() override {
        if (state_ != nullptr) BrotliDecoderDestroyInstance(state_);
    }

    [[nodiscard]] Step unpack(std::string_view input, std::span<char> output) noexcept override {
        if (state_ == nullptr) return {0, 0, "no memory"};
        if (is_at_end_) return {0, 0, input.empty() ? nullptr : "bytes behind its end"};
        const auto* next_in = reinterpret_cast<const std::uint8_t*>(input.data());
        auto* next_out = reinterpret_cast<std::uint8_t*>(output.data());
        std::size_t in_left = input.size();
        std::size_t room = output.size();
        const BrotliDecoderResult result =
            BrotliDecoderDecompressStream(state_, &in_left, &next_in, &room, &next_out, nullptr);
        Step step{input.size() - in_left, output.size() - room, nullptr};
        if (result == BROTLI_DECODER_RESULT_ERROR) {
            step.flaw = BrotliDecoderErrorString(BrotliDecoderGetErrorCode(state_));
        } else if (result == BROTLI_DECODER_RESULT_SUCCESS) {
            is_at_end_ = true;
            if (in_left > 0) step.flaw = "bytes behind its end";
        }
        return step;
    }
    [[nodiscard]] bool is_at_end() const noexcept override { return is_at_end_; }
    [[nodiscard]] bool lacks_memory() const noexcept override { return heap_.has_refused(); }

private:
    CountedHeap heap_;
    BrotliDecoderState* state_;
    bool is_at_end_ = false;
};

}  // namespace

std::unique_ptr<Unpacker> new_brotli_unpacker(MemoryBudget& budget, MemoryUse use,
                                              MemoryShare* share) {
    return std::make_unique<BrotliUnpacker>(budget, use, share);
}

}  // namespace sluicegate::http
