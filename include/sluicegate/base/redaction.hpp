#pragma once
/// Takes the secrets that upstreams are sent out of what upstreams say.
///
/// Forms    a secret is found as it is and in any mixture of the ways in which a server may repeat
///          it: JSON and C escapes (\/ \u002d \x2d), percent-encoding, character references
///          (&#45;), `+` for a space, letters of the other case, wrapped into lines, and each of
///          them inside another. Also as hexadecimal digits and as base64 (both alphabets, with any
///          text around it).
/// Limits   a secret shorter than secret_bytes_min is not looked for: ordinary words would hold it.
///          A part of a secret, its reverse, its hash and what is compressed are not found.
/// Cost     one pass, whatever the number of secrets; short text takes no memory.
/// Threads  any, once all secrets are added.

#include "sluicegate/base/secret.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluicegate {

class PlainText;

class Redaction {
public:
    static constexpr std::size_t secret_bytes_min = 8;
    /// What stands for a secret.
    static constexpr std::string_view stand_in = "***";

    /// All are added before any text is looked at.
    void add(std::string_view secret);
    void finish();

    /// `text` with "***" for each secret.
    [[nodiscard]] std::string cleaned(std::string_view text) const;
    [[nodiscard]] bool finds_any_in(std::string_view text) const;

    /// The same for text that comes in pieces. Appends what is certain of `text` to `out`, and
    /// returns how many bytes of it that is: the caller presents the rest again, with more behind
    /// it. At least `certain_min` bytes are taken for certain: text.size() for the last piece.
    std::size_t clean_part(std::string_view text, std::size_t certain_min, std::string& out) const;

private:
    struct Needle {
        Secret text;  ///< in the form that texts are compared in
        bool is_encoded = false;
    };
    struct Match;

    void add_needle(std::string_view text, bool is_encoded);
    [[nodiscard]] std::vector<Match> matches_in(std::string_view text,
                                                const PlainText& plain) const;
    [[nodiscard]] std::size_t first_undecided(const PlainText& plain,
                                              std::size_t source_size) const;
    [[nodiscard]] bool may_begin(std::uint64_t key) const noexcept;
    [[nodiscard]] const Needle* longest_at(std::string_view plain) const noexcept;
    [[nodiscard]] bool may_go_on(std::string_view plain) const noexcept;

    std::vector<Needle> needles_;
    std::vector<std::pair<std::uint64_t, std::uint32_t>>
        by_beginning_;                   ///< sorted; index of needles_
    std::vector<std::uint64_t> filter_;  ///< bits of hashed beginnings
    std::size_t needle_bytes_min_ = SIZE_MAX;
    std::size_t needle_bytes_max_ = 0;
};

}  // namespace sluicegate
