#include "sluicegate/limit/output_estimates.hpp"

#include "sluicegate/limit/plan.hpp"

#include <algorithm>
#include <bit>

namespace sluicegate::limit {
namespace {

// --- a logarithm without floating point: the position of the highest bit, then the bits below it,
// as they are. Monotone, exact at powers of two, and a step in it is a factor within 6 %. ---

constexpr unsigned fraction_bits = 11;
constexpr std::uint32_t one = 1U << fraction_bits;  ///< a doubling

constexpr std::uint32_t level_of(std::uint64_t tokens) noexcept {
    const auto highest = static_cast<unsigned>(std::bit_width(tokens)) - 1U;
    const std::uint64_t below = tokens - (std::uint64_t{1} << highest);
    const std::uint64_t fraction = highest >= fraction_bits ? below >> (highest - fraction_bits)
                                                            : below << (fraction_bits - highest);
    return static_cast<std::uint32_t>((std::uint64_t{highest} << fraction_bits) + fraction);
}

/// Rounded up.
constexpr std::uint64_t tokens_of(std::uint32_t level) noexcept {
    const std::uint32_t highest = level >> fraction_bits;
    const std::uint64_t mantissa = one + (level & (one - 1U));
    return highest >= fraction_bits
               ? mantissa << (highest - fraction_bits)
               : (mantissa + (one >> highest) - 1U) >> (fraction_bits - highest);
}

constexpr std::uint32_t level_max = level_of(static_cast<std::uint64_t>(Plan::value_max));
static_assert(level_max <= 0xFFFFU);
static_assert(tokens_of(level_of(1)) == 1 && tokens_of(level_of(1000)) == 1000);

/// One part of a step: 1/40 of a doubling, 2 %. The first completions move the figure further.
constexpr std::uint32_t part = one / 40;
constexpr std::uint32_t parts_up = 9;    ///< one completion in ten is longer: the two balance
constexpr std::uint32_t parts_down = 1;  //
/// So many shorter completions in a row are rare (3 %) while the figure is right: from there on
/// it falls faster, or a shift downwards would take ten times as long as one upwards.
constexpr std::uint8_t below_many = 33;
constexpr std::uint32_t hurry = 8;

constexpr std::uint32_t gain_of(std::uint8_t samples) noexcept {
    return samples < 16 ? 4 : samples < 32 ? 2 : 1;
}

// --- entries ---

constexpr std::uint64_t hash_of(std::uint64_t key) noexcept {
    std::uint64_t h = (key + 1) * 0x9E3779B97F4A7C15U;
    h = (h ^ (h >> 32U)) * 0xD6E8FEB86659FD93U;
    return h ^ (h >> 32U);
}

std::uint64_t hash_of(UserId user, ModelId model) noexcept {
    return hash_of((std::uint64_t{static_cast<std::uint32_t>(user)} << 32U) |
                   static_cast<std::uint32_t>(model));
}

std::uint64_t hash_of(ModelId model) noexcept {
    return hash_of(static_cast<std::uint32_t>(model));
}

/// The upper half of the hash, never 0: an entry in use differs from a free one.
std::uint64_t tag_of(std::uint64_t hash) noexcept {
    return hash >> 32U | 1U;
}

std::uint64_t pack(std::uint64_t tag, const OutputEstimate& estimate) noexcept {
    return tag << 32U | std::uint64_t{estimate.level} << 16U |
           std::uint64_t{estimate.samples} << 8U | estimate.below;
}

OutputEstimate unpack(std::uint64_t entry) noexcept {
    return {.level = static_cast<std::uint16_t>(entry >> 16U),
            .samples = static_cast<std::uint8_t>(entry >> 8U),
            .below = static_cast<std::uint8_t>(entry)};
}

constexpr std::size_t pair_buckets = 8192;
constexpr std::size_t model_buckets = 128;

}  // namespace

OutputEstimate OutputEstimate::after(std::int64_t completion_tokens) const noexcept {
    const auto tokens =
        static_cast<std::uint64_t>(std::clamp<std::int64_t>(completion_tokens, 1, Plan::value_max));
    const std::uint32_t seen = level_of(tokens);
    OutputEstimate next = *this;
    if (samples < 0xFF) ++next.samples;
    if (samples == 0) {
        next.level = static_cast<std::uint16_t>(seen);
    } else if (seen > level) {
        const std::uint32_t step = part * parts_up * gain_of(samples);
        next.level = static_cast<std::uint16_t>(std::min(level + step, level_max));
        next.below = 0;
    } else {
        const std::uint32_t faster = below >= below_many ? hurry : 1;
        const std::uint32_t step = part * parts_down * gain_of(samples) * faster;
        next.level = static_cast<std::uint16_t>(level - std::min<std::uint32_t>(level, step));
        if (below < 0xFF) ++next.below;
    }
    return next;
}

std::int64_t OutputEstimate::tokens() const noexcept {
    return std::min(static_cast<std::int64_t>(tokens_of(level)), Plan::value_max);
}

OutputEstimates::Table::Table(std::size_t buckets)
    : mask_(buckets - 1), buckets_(std::make_unique<Bucket[]>(buckets)) {
}

OutputEstimates::Bucket& OutputEstimates::Table::bucket_of(std::uint64_t hash) const noexcept {
    return buckets_[static_cast<std::size_t>(hash) & mask_];
}

std::optional<std::int64_t> OutputEstimates::Table::find(std::uint64_t hash) const noexcept {
    for (const auto& each : bucket_of(hash).entries) {
        const std::uint64_t entry = each.load(std::memory_order_relaxed);
        if (entry >> 32U != tag_of(hash)) continue;
        const OutputEstimate estimate = unpack(entry);
        if (estimate.samples < samples_min) return std::nullopt;
        return estimate.tokens();
    }
    return std::nullopt;
}

void OutputEstimates::Table::learn(std::uint64_t hash, std::int64_t tokens) noexcept {
    auto& entries = bucket_of(hash).entries;
    // A full bucket gives up the entry that the newcomer's tag points at.
    std::size_t at = (hash >> 60U) % entries.size();
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::uint64_t tag = entries[i].load(std::memory_order_relaxed) >> 32U;
        if (tag == 0) at = i;
        if (tag == tag_of(hash)) {
            at = i;
            break;
        }
    }
    std::uint64_t entry = entries[at].load(std::memory_order_relaxed);
    const OutputEstimate known = entry >> 32U == tag_of(hash) ? unpack(entry) : OutputEstimate();
    entries[at].compare_exchange_strong(entry, pack(tag_of(hash), known.after(tokens)),
                                        std::memory_order_relaxed);
}

OutputEstimates::OutputEstimates() : pairs_(pair_buckets), models_(model_buckets) {
}

std::int64_t OutputEstimates::guess(UserId user, ModelId model) const noexcept {
    if (const auto known = pairs_.find(hash_of(user, model))) return *known;
    return models_.find(hash_of(model)).value_or(unknown);
}

void OutputEstimates::learn(UserId user, ModelId model, std::int64_t completion_tokens) noexcept {
    pairs_.learn(hash_of(user, model), completion_tokens);
    models_.learn(hash_of(model), completion_tokens);
}

}  // namespace sluicegate::limit
