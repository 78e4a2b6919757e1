#pragma once
/// The bytes of a limiter's state file.
///
/// Format     "sluicegate-state", the version in four bytes, then numbers in LEB128 and strings
///            with their length in front: StateHeader, both lists of names, one entry for each
///            key, an end mark, and the CRC-32 of everything before it.
/// Errors     every input is safe to read. A file that is damaged, cut short, of another version
///            or against the rules gives an error that says so, and nothing of it is used.

#include "sluicegate/base/result.hpp"
#include "sluicegate/limit/state.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace sluicegate::limit {

/// When and where a state was taken.
struct StateHeader {
    std::uint64_t window_ms = 0;     ///< Settings::window
    std::uint64_t clock_ms = 0;      ///< CLOCK_MONOTONIC, from which ages count
    std::uint64_t wall_ms = 0;       ///< the calendar at the same moment, since 1970
    std::string boot_id{};           ///< another boot: CLOCK_MONOTONIC began anew
    std::uint64_t journal_id = 0;    ///< of the journal that goes on from here; 0: there is none
    std::uint64_t journal_from = 0;  ///< the first record that the state may lack

    friend bool operator==(const StateHeader&, const StateHeader&) = default;
};

/// Writes a state piece by piece, so that a large one is never in memory as a whole.
class StateEncoder {
public:
    StateEncoder(const StateHeader& header, const StateNames& names);

    /// Leaves out a key that has no runs, or whose user or model has no name.
    void add(const KeyState& key);
    [[nodiscard]] std::size_t pending() const noexcept { return bytes_.size(); }
    /// The bytes made since the last call.
    [[nodiscard]] std::string take();
    /// The last bytes. Call once; add nothing after it.
    [[nodiscard]] std::string finish();

private:
    std::size_t users_;
    std::size_t models_;
    std::string bytes_;
    std::uint32_t crc_;
};

/// A state in memory, checked completely before anything of it is seen.
class StateReader {
public:
    static constexpr std::uint32_t version = 1;

    /// `bytes` must outlive the reader.
    static Result<StateReader> open(std::string_view bytes);

    [[nodiscard]] const StateHeader& header() const noexcept { return header_; }
    [[nodiscard]] const StateNames& names() const noexcept { return names_; }
    /// The keys in the order in which they were added; user and model are positions in names().
    void visit(const std::function<void(const KeyState&)>& act) const;

private:
    StateReader() = default;

    StateHeader header_;
    StateNames names_;
    std::string_view keys_;
};

/// The four bytes at the end of a state, which depend on all others. For tests.
[[nodiscard]] std::string state_checksum(std::string_view bytes);

}  // namespace sluicegate::limit
