#include "sluicegate/http/content_decoder.hpp"

#include "http/unpacker.hpp"

#include <cassert>
#include <string>

namespace sluicegate::http {
namespace {

std::unique_ptr<Unpacker> unpacker_of(ContentCoding coding, const ContentDecoder::Memory& memory) {
    switch (coding) {
        case ContentCoding::identity: break;
        case ContentCoding::gzip: return new_gzip_unpacker(memory.budget, memory.use, memory.share);
        case ContentCoding::deflate:
            return new_deflate_unpacker(memory.budget, memory.use, memory.share);
        case ContentCoding::br: return new_brotli_unpacker(memory.budget, memory.use, memory.share);
        case ContentCoding::zstd: return new_zstd_unpacker(memory.budget, memory.use, memory.share);
    }
    assert(false && "identity needs no decoder");
    return nullptr;
}

}  // namespace

ContentDecoder::ContentDecoder(ContentCoding coding, const Kinds& kinds, const Memory& memory,
                               const Growth& growth)
    : unpacker_(unpacker_of(coding, memory)), coding_(coding), kinds_(kinds), growth_(growth) {
}

ContentDecoder::~ContentDecoder() = default;

Failure ContentDecoder::refuse(ErrorKind kind, std::string_view flaw) {
    has_failed_ = true;
    return fail(kind, std::string(name_of(coding_)) + ": " + std::string(flaw));
}

Result<ContentDecoder::Step> ContentDecoder::decode(std::string_view input,
                                                    std::span<char> output) {
    if (has_failed_) return refuse(kinds_.malformed, "it was refused before");
    const Unpacker::Step step = unpacker_->unpack(input, output);
    consumed_bytes_ += step.consumed;
    produced_bytes_ += step.produced;
    if (unpacker_->lacks_memory()) {
        return refuse(ErrorKind::overloaded, "server.memory has no room for its decoder");
    }
    if (step.flaw != nullptr) return refuse(kinds_.malformed, step.flaw);
    if (produced_bytes_ > growth_.free_bytes &&
        produced_bytes_ / growth_.ratio_max > consumed_bytes_) {
        return refuse(kinds_.expansion, "more than " + std::to_string(growth_.ratio_max) +
                                            " bytes for each coded one");
    }
    return Step{.consumed = step.consumed, .produced = step.produced};
}

bool ContentDecoder::is_whole() const noexcept {
    return !has_failed_ && (consumed_bytes_ == 0 || unpacker_->is_at_end());
}

Failure ContentDecoder::cut() const {
    return fail(kinds_.cut, std::string(name_of(coding_)) + ": it ends too early");
}

}  // namespace sluicegate::http
