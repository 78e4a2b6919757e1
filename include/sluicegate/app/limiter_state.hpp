#pragma once
/// Keeps what the limiter counts across the end of the process, a kill included.
///
/// A state file holds everything at one moment; a journal beside it (FILE.journal) holds what was
/// charged since. Restoring reads both; saving replaces the file and thereby makes the journal
/// before it meaningless.
///
/// Use        restore() once before requests are admitted; then save() whenever is_due() says so,
///            and before ids are used that the last save() knew no names for; finish() after the
///            last request. Call tick() several times a second.
/// Threads    one, the control thread; requests are admitted meanwhile by any.
/// Ownership  the limiter and the clock must outlive it.
/// Errors     a state file that cannot be used is set aside and reported; the limiter starts
///            empty. restore() itself fails only where no state could be kept either, and where a
///            file in the way is not ours (app/durable_file.hpp).
/// Loss       a journal that others truncate, replace or delete, or that the disk cannot take, is
///            noticed by tick() and made anew. Until then a kill forgets what was charged since
///            the last save, and saves are due more often.
/// Source     docs/decisions/0006-limiter-state.md

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/ids.hpp"
#include "sluicegate/base/result.hpp"
#include "sluicegate/limit/limiter.hpp"
#include "sluicegate/limit/state.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::app {

struct RestoreReport {
    bool was_found = false;     ///< there was a state file, used or not
    std::string set_aside{};    ///< why it could not be used; it is FILE.unusable now
    std::size_t keys = 0;       ///< (user, model) pairs and windows that count again
    std::size_t unknown = 0;    ///< left out: the user or the model is not configured any more
    std::size_t expired = 0;    ///< left out: all of it was older than its window
    std::size_t journaled = 0;  ///< charges that only the journal knew: the end was not clean
    std::uint64_t lost = 0;     ///< records of the journal that are damaged or not finished
    bool is_journal_missing = false;  ///< the state names a journal that is not there any more
    Milliseconds age{0};              ///< of the state
    bool by_wall_clock = false;  ///< measured by the calendar: the machine was booted in between
};

struct SaveReport {
    std::size_t keys = 0;
    std::size_t bytes = 0;
    Milliseconds took{0};
    /// More was charged since the save before than the journal holds. The new file has all of it;
    /// a kill in the moments before would have forgotten some.
    bool journal_overran = false;
};

/// What tick() has found; empty when nothing has changed.
struct JournalReport {
    std::string lost{};        ///< why the next process would not find what is charged now
    bool is_remade = false;    ///< a new one stands there, and a state that names it
    std::string not_remade{};  ///< why not; it is tried again
};

class LimiterState {
public:
    struct Settings {
        std::string file{};
        /// Charges between two saves, a power of two: 32 bytes of disk and memory each.
        std::size_t journal_records = std::size_t{1} << 20U;
        /// Names the machine's run; empty: unknown, and time is measured by the calendar.
        std::string boot_id = current_boot_id();
    };
    /// The ids under which names count in this process; none for a name that is not configured.
    struct Ids {
        std::function<std::optional<UserId>(std::string_view)> user{};
        std::function<std::optional<ModelId>(std::string_view)> model{};
    };
    /// A save is due this long after the one before, or when half of the journal is used.
    static constexpr Milliseconds save_every{60'000};
    /// But no sooner than this, be it that saving fails.
    static constexpr Milliseconds save_again{250};
    /// The same while the journal is lost, and after a save that failed.
    static constexpr Milliseconds save_unjournaled_every{5'000};
    /// A lost journal is made anew at once, but no sooner than this after the attempt before.
    static constexpr Milliseconds remake_again{10'000};

    LimiterState(Settings settings, limit::Limiter& limiter, const Clock& clock);
    ~LimiterState();
    LimiterState(const LimiterState&) = delete;
    LimiterState& operator=(const LimiterState&) = delete;

    /// Brings back what the file and the journal hold, into an empty limiter; then saves, and
    /// journals from there on. `names` has every id that requests may use.
    Result<RestoreReport> restore(const Ids& ids, const limit::StateNames& names);
    [[nodiscard]] bool is_due() const noexcept;
    /// Errors leave the file as it was; the journal goes on.
    Result<SaveReport> save(const limit::StateNames& names);
    /// Saves for the last time: nothing is journaled any more.
    Result<SaveReport> finish(const limit::StateNames& names);
    /// Keeps the pages that the journal comes to next ready, and sees that it is still there.
    JournalReport tick(const std::function<limit::StateNames()>& names);

    [[nodiscard]] static std::string current_boot_id();

private:
    struct Journaling;

    Result<RestoreReport> read(const Ids& ids);
    [[nodiscard]] std::optional<std::string> journal_loss();
    [[nodiscard]] Milliseconds save_interval() const noexcept;
    Result<SaveReport> write(const limit::StateNames& names, std::uint64_t journal_id,
                             std::uint64_t journal_from);

    Settings settings_;
    limit::Limiter& limiter_;
    const Clock& clock_;
    std::unique_ptr<Journaling> journaling_;
    Instant saved_{};  ///< when the last save began
    bool has_save_failed_ = false;
    bool is_journal_lost_ = false;        ///< and not made anew
    std::optional<Instant> remade_at_{};  ///< the last attempt
};

}  // namespace sluicegate::app
