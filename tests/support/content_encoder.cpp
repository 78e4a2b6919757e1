#include "support/content_encoder.hpp"

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace sluicegate::support {

const std::vector<std::string>& encoder_names() {
    static const std::vector<std::string> names{"gzip", "deflate", "raw deflate", "br", "zstd"};
    return names;
}

std::string coding_name(std::string_view encoder) {
    return std::string(encoder == "raw deflate" ? "deflate" : encoder);
}

struct ContentEncoder::State {
    z_stream zlib{};
    ZSTD_CCtx* zstd = nullptr;
    BrotliEncoderState* brotli = nullptr;
};

ContentEncoder::ContentEncoder(std::string_view name) : state_(std::make_unique<State>()) {
    if (name == "zstd") {
        state_->zstd = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(state_->zstd, ZSTD_c_checksumFlag, 1);
    } else if (name == "br") {
        state_->brotli = BrotliEncoderCreateInstance(nullptr, nullptr, nullptr);
        BrotliEncoderSetParameter(state_->brotli, BROTLI_PARAM_QUALITY, 4);
    } else {
        const int bits = name == "gzip" ? 15 + 16 : name == "deflate" ? 15 : -15;
        if (deflateInit2(&state_->zlib, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
            throw std::runtime_error("no zlib");
        }
    }
}

ContentEncoder::~ContentEncoder() {
    if (state_->zstd != nullptr) {
        ZSTD_freeCCtx(state_->zstd);
    } else if (state_->brotli != nullptr) {
        BrotliEncoderDestroyInstance(state_->brotli);
    } else {
        deflateEnd(&state_->zlib);
    }
}

std::string ContentEncoder::take(std::string_view plain) {
    return run(plain, false);
}

std::string ContentEncoder::end() {
    return run({}, true);
}

std::string ContentEncoder::run(std::string_view plain, bool is_last) {
    std::string out;
    std::array<char, 16 * 1024> room;
    if (state_->zstd != nullptr) {
        ZSTD_inBuffer in{plain.data(), plain.size(), 0};
        for (std::size_t left = 1; left != 0;) {
            ZSTD_outBuffer made{room.data(), room.size(), 0};
            left =
                ZSTD_compressStream2(state_->zstd, &made, &in, is_last ? ZSTD_e_end : ZSTD_e_flush);
            if (ZSTD_isError(left) != 0) throw std::runtime_error(ZSTD_getErrorName(left));
            out.append(room.data(), made.pos);
        }
        return out;
    }
    if (state_->brotli != nullptr) {
        std::size_t in_left = plain.size();
        const auto* next_in = reinterpret_cast<const std::uint8_t*>(plain.data());
        do {
            std::size_t free = room.size();
            auto* next_out = reinterpret_cast<std::uint8_t*>(room.data());
            const BROTLI_BOOL is_done = BrotliEncoderCompressStream(
                state_->brotli, is_last ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH,
                &in_left, &next_in, &free, &next_out, nullptr);
            if (is_done == BROTLI_FALSE) throw std::runtime_error("brotli: nothing follows an end");
            out.append(room.data(), room.size() - free);
        } while (in_left > 0 || BrotliEncoderHasMoreOutput(state_->brotli) == BROTLI_TRUE);
        return out;
    }
    std::string copy(plain);  // zlib's type of an input is older than const
    z_stream& zlib = state_->zlib;
    zlib.next_in = reinterpret_cast<Bytef*>(copy.data());
    zlib.avail_in = static_cast<uInt>(copy.size());
    do {
        zlib.next_out = reinterpret_cast<Bytef*>(room.data());
        zlib.avail_out = static_cast<uInt>(room.size());
        deflate(&zlib, is_last ? Z_FINISH : Z_SYNC_FLUSH);
        out.append(room.data(), room.size() - zlib.avail_out);
    } while (zlib.avail_out == 0);
    return out;
}

std::string encoded(std::string_view name, std::string_view plain) {
    ContentEncoder encoder(name);
    std::string out = encoder.take(plain);
    return out += encoder.end();
}

std::string encoded_zeros(std::string_view name, std::size_t count) {
    ContentEncoder encoder(name);
    const std::string piece(std::min(count, std::size_t{4} << 20), '\0');
    std::string out;
    while (count > 0) {
        const std::size_t size = std::min(count, piece.size());
        out += encoder.take(std::string_view(piece).substr(0, size));
        count -= size;
    }
    return out += encoder.end();
}

}  // namespace sluicegate::support
