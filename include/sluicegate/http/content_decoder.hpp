#pragma once
/// Decoder of content codings: gzip, deflate, br and zstd. It can stop and resume at any byte, and
/// gives out at once what the input makes known, so that events pass as they arrive.
///
/// Strict     checksums are verified; several members of gzip and frames of zstd are one content;
///            bytes behind the end, preset dictionaries and formats older than zstd 0.8 are errors.
/// Memory     what a library holds is claimed from the budget before it is taken: at most some
///            45 KB for gzip and deflate. The windows are 16 MiB of brotli (RFC 7932) and 8 MiB of
///            zstd (RFC 9659) at most; what needs a larger one is an error.
/// Bombs      content may be so many times as large as its coded form as Growth says. The caller
///            bounds its size, and the work of one call by the room it gives.
/// Ownership  the budget and the share must outlive it.
/// Errors     the ErrorKinds given to the constructor, `overloaded` where the budget has no room;
///            once failed, every further call fails.
/// Source     RFC 1950, 1951, 1952, 7932, 8878, 9659.

#include "sluicegate/base/memory_budget.hpp"
#include "sluicegate/base/result.hpp"
#include "sluicegate/http/content_coding.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace sluicegate::http {

class Unpacker;

class ContentDecoder {
public:
    /// Content beyond `free_bytes` may be at most `ratio_max` times as large as its coded form.
    struct Growth {
        std::size_t free_bytes;
        std::size_t ratio_max;
    };
    static constexpr Growth usual_growth{.free_bytes = std::size_t{4} << 20, .ratio_max = 200};

    struct Step {
        std::size_t consumed = 0;
        std::size_t produced = 0;
    };

    /// What its failures are. Their detail names the coding and the flaw, and holds nothing of the
    /// content.
    struct Kinds {
        ErrorKind malformed;
        ErrorKind cut;        ///< it ends before its coding does
        ErrorKind expansion;  ///< beyond Growth
    };
    struct Memory {
        MemoryBudget& budget;
        MemoryUse use;
        MemoryShare* share;  ///< null: the budget alone bounds it
    };

    /// Of any coding but identity.
    ContentDecoder(ContentCoding coding, const Kinds& kinds, const Memory& memory,
                   const Growth& growth = usual_growth);
    ContentDecoder(const ContentDecoder&) = delete;
    ContentDecoder& operator=(const ContentDecoder&) = delete;
    ~ContentDecoder();

    /// Decodes from the front of `input` into `output`, which is not empty. When `output` is full,
    /// there may be more, even of an input that is consumed: call again, with no input as well.
    /// Otherwise all of `input` is consumed.
    [[nodiscard]] Result<Step> decode(std::string_view input, std::span<char> output);

    /// What arrived until now is a whole content. So is nothing at all.
    [[nodiscard]] bool is_whole() const noexcept;
    /// The failure of a content that ends here, though it is not whole.
    [[nodiscard]] Failure cut() const;

private:
    [[nodiscard]] Failure refuse(ErrorKind kind, std::string_view flaw);

    std::unique_ptr<Unpacker> unpacker_;
    std::uint64_t consumed_bytes_ = 0;
    std::uint64_t produced_bytes_ = 0;
    ContentCoding coding_;
    Kinds kinds_;
    Growth growth_;
    bool has_failed_ = false;
};

}  // namespace sluicegate::http
