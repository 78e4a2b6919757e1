#include "sluicegate/base/redaction.hpp"

#include "sluicegate/base/wipe_scope.hpp"

#include "base/plain_text.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

namespace sluicegate {
namespace {

/// A needle is found by its first bytes.
constexpr std::size_t key_bytes = 6;
/// Text up to this size is looked at without taking memory.
constexpr std::size_t short_text_bytes = 256;
/// An escape that is not complete, or the lead of a line, has so many bytes at most.
constexpr std::size_t open_end_bytes = 12;
constexpr std::size_t piece_bytes = 64 * 1024;

std::uint64_t key_of(const char* bytes) noexcept {
    std::uint64_t key = 0;
    std::memcpy(&key, bytes, sizeof key);
    static_assert(std::endian::native == std::endian::little);
    return key & ((std::uint64_t{1} << (8 * key_bytes)) - 1);
}

std::size_t bit_of(std::uint64_t key, std::size_t bits) noexcept {
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ULL) >> 32) & (bits - 1);
}

std::string hex_of(std::string_view text) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(2 * text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        out += digits[byte >> 4];
        out += digits[byte & 0xF];
    }
    return out;
}

/// The base64 of `text` behind `before` (0 … 2) other bytes, as far as it does not depend on what
/// stands before and behind it.
std::string base64_inside(std::string_view text, std::size_t before) {
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto bit = [&](std::size_t at) -> unsigned {
        const auto byte = static_cast<unsigned char>(text[at / 8 - before]);
        return (byte >> (7 - at % 8)) & 1U;
    };
    const std::size_t end = 8 * (before + text.size());
    std::string out;
    for (std::size_t at = (8 * before + 5) / 6 * 6; at + 6 <= end; at += 6) {
        unsigned value = 0;
        for (std::size_t i = 0; i < 6; ++i) value = value << 1 | bit(at + i);
        out += digits[value];
    }
    return out;
}

bool is_base64(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '-' || c == '_' || c == '=';
}

/// Memory for the plain form of a text: on the stack when it is short.
struct Workspace {
    explicit Workspace(std::size_t size) {
        if (size <= short_text_bytes) return;
        long_text = std::make_unique_for_overwrite<char[]>(size + PlainText::padding);
        long_places = std::make_unique_for_overwrite<SourceRange[]>(size);
        text = {long_text.get(), size + PlainText::padding};
        places = {long_places.get(), size};
    }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
    ~Workspace() {
        if (holds_secret) ::explicit_bzero(text.data(), text.size());
    }

    std::array<char, short_text_bytes + PlainText::padding> short_text;
    std::array<SourceRange, short_text_bytes> short_places;
    std::unique_ptr<char[]> long_text;
    std::unique_ptr<SourceRange[]> long_places;
    std::span<char> text = short_text;
    std::span<SourceRange> places = short_places;
    bool holds_secret = false;  ///< then it is wiped
};

/// Without what may be an escape or a line's lead that goes on behind the end.
std::string_view without_open_end(std::string_view text) noexcept {
    const std::size_t tail = text.size() - std::min(text.size(), open_end_bytes);
    std::size_t end = std::min(text.find_first_of("\\%&\r\n", tail), text.size());
    while (end > 0 && text[end - 1] == '\\') --end;
    return text.substr(0, end);
}

}  // namespace

/// What to replace of a text.
struct Redaction::Match {
    std::size_t begin = 0;
    std::size_t end = 0;
};

void Redaction::add(std::string_view secret) {
    if (secret.size() < secret_bytes_min) return;
    const WipeScope wipes;
    add_needle(secret, false);
    add_needle(hex_of(secret), true);
    for (const std::size_t before : {0U, 1U, 2U}) add_needle(base64_inside(secret, before), true);
}

void Redaction::add_needle(std::string_view text, bool is_encoded) {
    std::string plain(text.size() + PlainText::padding, '\0');
    std::vector<SourceRange> places(text.size());
    const std::size_t size = PlainText(text, plain, places).text().size();
    plain.resize(size);
    if (size < key_bytes) return;
    needle_bytes_min_ = std::min(needle_bytes_min_, size);
    needle_bytes_max_ = std::max(needle_bytes_max_, size);
    by_beginning_.emplace_back(key_of(plain.data()), static_cast<std::uint32_t>(needles_.size()));
    needles_.push_back({.text = Secret(std::move(plain)), .is_encoded = is_encoded});
}

void Redaction::finish() {
    std::ranges::sort(by_beginning_);
    // One bit in 32 is set at most: few places of a text need a second look.
    filter_.assign(std::bit_ceil(needles_.size() + 1), 0);
    for (const auto& [key, needle] : by_beginning_) {
        const std::size_t bit = bit_of(key, filter_.size() * 64);
        filter_[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
}

bool Redaction::may_begin(std::uint64_t key) const noexcept {
    const std::size_t bit = bit_of(key, filter_.size() * 64);
    return (filter_[bit / 64] >> (bit % 64) & 1U) != 0;
}

const Redaction::Needle* Redaction::longest_at(std::string_view plain) const noexcept {
    const std::uint64_t key = key_of(plain.data());  // NOLINT(*-stringview-data-usage): a prefix
    const Needle* longest = nullptr;
    const auto first = std::ranges::lower_bound(by_beginning_, std::pair{key, std::uint32_t{0}});
    for (auto it = first; it != by_beginning_.end() && it->first == key; ++it) {
        const Needle& needle = needles_[it->second];
        const std::string_view text = needle.text.reveal();
        if (!plain.starts_with(text)) continue;
        if (longest == nullptr || text.size() > longest->text.reveal().size()) longest = &needle;
    }
    return longest;
}

/// A needle begins with all of `plain`, which is shorter.
bool Redaction::may_go_on(std::string_view plain) const noexcept {
    if (plain.size() < key_bytes) return true;
    const std::uint64_t key = key_of(plain.data());  // NOLINT(*-stringview-data-usage): a prefix
    if (!may_begin(key)) return false;
    const auto first = std::ranges::lower_bound(by_beginning_, std::pair{key, std::uint32_t{0}});
    for (auto it = first; it != by_beginning_.end() && it->first == key; ++it) {
        if (needles_[it->second].text.reveal().starts_with(plain)) return true;
    }
    return false;
}

std::vector<Redaction::Match> Redaction::matches_in(std::string_view text,
                                                    const PlainText& plain) const {
    const std::string_view compared = plain.text();
    std::vector<Match> matches;
    for (std::size_t i = 0; i + key_bytes <= compared.size(); ++i) {
        if (!may_begin(key_of(compared.data() + i))) continue;
        const Needle* needle = longest_at(compared.substr(i));
        if (needle == nullptr) continue;
        Match match{.begin = plain.place(i).begin,
                    .end = plain.place(i + needle->text.reveal().size() - 1).end};
        // What an earlier match covers is not walked through again: a text may be full of them.
        const std::size_t covered = matches.empty() ? 0 : matches.back().end;
        bool is_joined = match.begin < covered;
        if (needle->is_encoded) {
            // The digits beside it hold some bits of the secret too.
            while (match.begin > covered && is_base64(text[match.begin - 1])) --match.begin;
            match.end = std::max(match.end, covered);
            while (match.end < text.size() && is_base64(text[match.end])) ++match.end;
            is_joined = is_joined || (match.begin == covered && covered > 0);
        }
        if (is_joined) {
            matches.back().end = std::max(matches.back().end, match.end);
        } else {
            matches.push_back(match);
        }
    }
    return matches;
}

/// Where in its source the first byte stands that a needle could begin with and go on behind the
/// end.
std::size_t Redaction::first_undecided(const PlainText& plain, std::size_t source_size) const {
    const std::string_view compared = plain.text();
    const std::size_t undecided = std::min(compared.size(), needle_bytes_max_ - 1);
    for (std::size_t i = compared.size() - undecided; i < compared.size(); ++i) {
        if (may_go_on(compared.substr(i))) return plain.place(i).begin;
    }
    return source_size;
}

std::size_t Redaction::clean_part(std::string_view text, std::size_t certain_min,
                                  std::string& out) const {
    const bool is_complete = certain_min == text.size();
    if (needles_.empty()) {
        out += text;
        return text.size();
    }
    const std::string_view closed = is_complete ? text : without_open_end(text);
    Workspace memory(closed.size());
    const PlainText plain(closed, memory.text, memory.places);
    const std::vector<Match> matches = matches_in(closed, plain);
    if (!matches.empty()) memory.holds_secret = true;

    std::size_t certain = text.size();
    if (!is_complete) {
        certain = std::min(closed.size(), first_undecided(plain, closed.size()));
        // With more bytes, the last match may become longer.
        if (!matches.empty() && matches.back().end > certain) {
            certain = std::min(certain, matches.back().begin);
        }
        certain = std::max(certain, certain_min);
    }
    std::size_t kept_from = 0;
    for (const Match& match : matches) {
        if (match.begin >= certain) break;
        out += text.substr(kept_from, match.begin - kept_from);
        out += stand_in;
        kept_from = match.end;
    }
    if (kept_from >= certain) return kept_from;
    out += text.substr(kept_from, certain - kept_from);
    return certain;
}

std::string Redaction::cleaned(std::string_view text) const {
    std::string out;
    while (!text.empty()) {
        const std::string_view piece = text.substr(0, 2 * piece_bytes);
        const bool is_last = piece.size() == text.size();
        text.remove_prefix(clean_part(piece, is_last ? piece.size() : piece_bytes, out));
    }
    return out;
}

bool Redaction::finds_any_in(std::string_view text) const {
    if (text.size() < needle_bytes_min_) return false;
    Workspace memory(text.size());
    const std::string_view plain = PlainText(text, memory.text, memory.places).text();
    for (std::size_t i = 0; i + key_bytes <= plain.size(); ++i) {
        if (!may_begin(key_of(plain.data() + i))) continue;
        if (longest_at(plain.substr(i)) == nullptr) continue;
        memory.holds_secret = true;
        return true;
    }
    return false;
}

}  // namespace sluicegate
