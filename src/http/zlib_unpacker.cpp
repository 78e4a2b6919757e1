#include "http/unpacker.hpp"

#include <climits>
#include <zlib.h>

#include <algorithm>
#include <array>

namespace sluicegate::http {
namespace {

constexpr std::size_t zlib_step_bytes_max = std::size_t{1} << 30;  // its sizes are unsigned ints

void* take_for_zlib(void* heap, unsigned count, unsigned size) {
    return CountedHeap::take_for(heap, std::size_t{count} * size);
}

void give_back_for_zlib(void* heap, void* taken) {
    CountedHeap::give_back_for(heap, taken);
}

/// RFC 1950, 2.2: what the first two bytes of the zlib format always are.
bool is_zlib_header(unsigned char first, unsigned char second) noexcept {
    return (first & 0x0FU) == Z_DEFLATED && (first >> 4U) <= 7 &&
           (unsigned{first} * 256 + second) % 31 == 0;
}

/// gzip, whose members follow each other, and the two forms of deflate.
class ZlibUnpacker final : public Unpacker {
public:
    enum class Form : std::uint8_t { gzip, deflate };

    ZlibUnpacker(Form form, MemoryBudget& budget, MemoryUse use, MemoryShare* share) noexcept
        : heap_(budget, use, share), form_(form) {
        stream_.zalloc = take_for_zlib;
        stream_.zfree = give_back_for_zlib;
        stream_.opaque = &heap_;
    }
    ~ZlibUnpacker() override {
        if (is_set_up_) inflateEnd(&stream_);
    }

    [[nodiscard]] Step unpack(std::string_view input, std::span<char> output) noexcept override {
        Step step;
        if (!is_set_up_) {
            step.flaw = begin(input, step.consumed);
            if (step.flaw != nullptr || !is_set_up_) return step;
            // What was put aside goes first.
            Step first = inflate_some({start_.data(), start_size_}, output);
            if (first.flaw != nullptr) return first;
            step.produced = first.produced;
        }
        Step rest = inflate_some(input.substr(step.consumed), output.subspan(step.produced));
        rest.consumed += step.consumed;
        rest.produced += step.produced;
        return rest;
    }
    [[nodiscard]] bool is_at_end() const noexcept override { return is_at_end_; }
    [[nodiscard]] bool lacks_memory() const noexcept override { return heap_.has_refused(); }

private:
    /// Whether deflate has the zlib format is seen in its first two bytes, which are put aside.
    const char* begin(std::string_view input, std::size_t& consumed) noexcept {
        int window_bits = MAX_WBITS;
        if (form_ == Form::gzip) {
            window_bits += 16;
        } else {
            while (start_size_ < start_.size() && consumed < input.size()) {
                start_[start_size_++] = input[consumed++];
            }
            if (start_size_ < start_.size()) return nullptr;
            if (!is_zlib_header(static_cast<unsigned char>(start_[0]),
                                static_cast<unsigned char>(start_[1]))) {
                window_bits = -window_bits;
            }
        }
        if (inflateInit2(&stream_, window_bits) != Z_OK) return "no memory";
        is_set_up_ = true;
        return nullptr;
    }

    Step inflate_some(std::string_view input, std::span<char> output) noexcept {
        Step step;
        while (step.produced < output.size()) {
            if (is_at_end_) {
                if (step.consumed == input.size()) break;
                if (form_ != Form::gzip)
                    return {step.consumed, step.produced, "bytes behind its end"};
                // A next member.
                inflateReset(&stream_);
                is_at_end_ = false;
            }
            const std::size_t in_size = std::min(input.size() - step.consumed, zlib_step_bytes_max);
            const std::size_t room = std::min(output.size() - step.produced, zlib_step_bytes_max);
            // zlib does not write to its input; its type is older than const.
            stream_.next_in = reinterpret_cast<Bytef*>(
                const_cast<char*>(input.data() + step.consumed));  // NOLINT(*-const-cast)
            stream_.avail_in = static_cast<uInt>(in_size);
            stream_.next_out = reinterpret_cast<Bytef*>(output.data() + step.produced);
            stream_.avail_out = static_cast<uInt>(room);
            const int result = inflate(&stream_, Z_SYNC_FLUSH);
            step.consumed += in_size - stream_.avail_in;
            step.produced += room - stream_.avail_out;
            if (result == Z_STREAM_END) {
                is_at_end_ = true;
            } else if (result == Z_BUF_ERROR) {
                break;  // nothing more without more input
            } else if (result != Z_OK) {
                step.flaw = flaw_of(result);
                break;
            }
        }
        return step;
    }

    [[nodiscard]] const char* flaw_of(int result) const noexcept {
        if (result == Z_NEED_DICT) return "it needs a dictionary";
        if (result == Z_MEM_ERROR) return "no memory";
        return stream_.msg != nullptr ? stream_.msg : "it is damaged";
    }

    CountedHeap heap_;
    z_stream stream_{};
    std::array<char, 2> start_{};
    std::size_t start_size_ = 0;
    Form form_;
    bool is_set_up_ = false;
    bool is_at_end_ = false;
};

}  // namespace

std::unique_ptr<Unpacker> new_gzip_unpacker(MemoryBudget& budget, MemoryUse use,
                                            MemoryShare* share) {
    return std::make_unique<ZlibUnpacker>(ZlibUnpacker::Form::gzip, budget, use, share);
}

std::unique_ptr<Unpacker> new_deflate_unpacker(MemoryBudget& budget, MemoryUse use,
                                               MemoryShare* share) {
    return std::make_unique<ZlibUnpacker>(ZlibUnpacker::Form::deflate, budget, use, share);
}

}  // namespace sluicegate::http
