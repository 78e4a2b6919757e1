#include "sluicegate/app/limiter_state.hpp"

#include "sluicegate/limit/state_codec.hpp"

#include "app/durable_file.hpp"
#include "app/journal_file.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace sluicegate::app {
namespace {

using limit::Charged;
using limit::KeyState;
using limit::RunState;
using limit::StateWindow;

constexpr std::size_t file_bytes_max = std::size_t{4} << 30U;
constexpr std::size_t write_bytes = std::size_t{1} << 20U;
/// As far ahead as requests can come in between two ticks.
constexpr std::size_t records_ahead = std::size_t{1} << 14U;

std::uint64_t ms_of(Instant at) {
    const auto ms = std::chrono::floor<Milliseconds>(at.time_since_epoch()).count();
    return static_cast<std::uint64_t>(std::max<Milliseconds::rep>(ms, 0));
}

std::uint64_t ms_of(WallTime at) {
    const auto ms = std::chrono::floor<Milliseconds>(at.time_since_epoch()).count();
    return static_cast<std::uint64_t>(std::max<Milliseconds::rep>(ms, 0));
}

std::int64_t span_ms_of(StateWindow window, const limit::StateHeader& header) {
    return window == StateWindow::day ? limit::Settings::day.count()
                                      : static_cast<std::int64_t>(header.window_ms);
}

using KeyInWindow = std::tuple<UserId, ModelId, StateWindow>;
using RunsByKey = std::map<KeyInWindow, std::vector<RunState>>;

void sort_oldest_first(std::vector<RunState>& runs) {
    std::ranges::sort(runs, std::ranges::greater(), &RunState::age_ms);
}

/// How far the time of a state lies back.
struct Elapsed {
    std::int64_t ms = 0;
    bool by_wall_clock = false;
};

/// On the same boot by the clock that the limiter itself goes by. A calendar that went back says
/// nothing: no time has passed then.
Elapsed elapsed_since(const limit::StateHeader& header, const std::string& boot_id,
                      const Clock& clock) {
    const std::uint64_t now_ms = ms_of(clock.now());
    if (!boot_id.empty() && header.boot_id == boot_id && now_ms >= header.clock_ms) {
        return {.ms = static_cast<std::int64_t>(now_ms - header.clock_ms), .by_wall_clock = false};
    }
    const std::uint64_t wall_ms = ms_of(clock.wall_now());
    return {.ms = static_cast<std::int64_t>(wall_ms - std::min(wall_ms, header.wall_ms)),
            .by_wall_clock = true};
}

/// The journal's charges under the state's own ids, with their ages at the time of the state.
RunsByKey read_journal(std::span<const limit::JournalRecord> ring, const limit::StateHeader& header,
                       RestoreReport& report) {
    RunsByKey runs;
    report.lost = limit::Journal::visit(ring, header.journal_from, [&](const Charged& charged) {
        ++report.journaled;
        const RunState run{.age_ms = static_cast<std::int64_t>(header.clock_ms) -
                                     static_cast<std::int64_t>(charged.clock_ms),
                           .requests = charged.is_request ? 1U : 0U,
                           .tokens = charged.tokens};
        const auto count_in = [&](StateWindow window) {
            runs[{charged.user, charged.model, window}].push_back(run);
        };
        if (charged.per_minute) count_in(StateWindow::minute);
        if (charged.per_day) count_in(StateWindow::day);
    });
    return runs;
}

/// Brings states of another process into the limiter.
class Restorer {
public:
    Restorer(limit::Limiter& limiter, const limit::StateReader& reader, const Elapsed& elapsed,
             Instant now, const LimiterState::Ids& ids, RestoreReport& report)
        : limiter_(limiter), reader_(reader), elapsed_(elapsed), now_(now), report_(report) {
        for (const std::string& name : reader.names().users) users_.push_back(ids.user(name));
        for (const std::string& name : reader.names().models) models_.push_back(ids.model(name));
    }

    void restore(RunsByKey journaled) {
        std::map<StateWindow, std::vector<RunState>> shared;
        reader_.visit([&](const KeyState& state) {
            if (state.is_shared) {
                auto& runs = shared[state.window];
                runs.insert(runs.end(), state.runs.begin(), state.runs.end());
                return;
            }
            KeyState whole = state;
            const auto more = journaled.find({state.user, state.model, state.window});
            if (more != journaled.end()) {
                whole.runs.insert(whole.runs.end(), more->second.begin(), more->second.end());
                journaled.erase(more);
            }
            restore_one(std::move(whole));
        });
        for (auto& [window, runs] : shared) {
            restore_one({.window = window, .is_shared = true, .runs = std::move(runs)});
        }
        // Last: what they had charged before may be in what was shared, which they now take over.
        for (auto& [key, runs] : journaled) {
            const auto [user, model, window] = key;
            restore_one({.user = user, .model = model, .window = window, .runs = std::move(runs)});
        }
    }

private:
    void restore_one(KeyState state) {
        if (!state.is_shared) {
            const auto user = static_cast<std::size_t>(state.user);
            const auto model = static_cast<std::size_t>(state.model);
            if (user >= users_.size() || model >= models_.size() || !users_[user] ||
                !models_[model]) {
                ++report_.unknown;
                return;
            }
            state.user = *users_[user];
            state.model = *models_[model];
        }
        for (RunState& run : state.runs) {
            run.age_ms = std::max<std::int64_t>(run.age_ms + elapsed_.ms, 0);
        }
        const std::int64_t span_ms = span_ms_of(state.window, reader_.header());
        std::erase_if(state.runs, [&](const RunState& run) { return run.age_ms >= span_ms; });
        if (state.runs.empty()) {
            ++report_.expired;
            return;
        }
        sort_oldest_first(state.runs);
        limiter_.restore_state(state, now_);
        ++report_.keys;
    }

    limit::Limiter& limiter_;
    const limit::StateReader& reader_;
    Elapsed elapsed_;
    Instant now_;
    RestoreReport& report_;
    std::vector<std::optional<UserId>> users_;    ///< by the number in the file
    std::vector<std::optional<ModelId>> models_;  ///< likewise
};

}  // namespace

struct LimiterState::Journaling {
    JournalFile file;
    limit::Journal journal;
    std::uint64_t saved_next = 0;  ///< journal.next() when the last save began
    std::uint64_t seen_next = 0;   ///< journal.next() at the last tick

    explicit Journaling(JournalFile opened)
        : file(std::move(opened)), journal(file.ring(), limit::Journal::end_of(file.ring())) {}

    [[nodiscard]] std::uint64_t used() const noexcept { return journal.next() - saved_next; }

    /// A file that was cut at any place, and made longer again, has lost the records that lie
    /// last in it: the newest one, or after a turn of the ring the last one of the turn before.
    [[nodiscard]] bool has_kept_records() const noexcept {
        if (seen_next <= saved_next) return true;
        const std::uint64_t newest = seen_next - 1;
        const std::uint64_t turn_begin = newest - newest % journal.capacity();
        if (turn_begin > saved_next && !journal.has_stored(turn_begin - 1)) return false;
        return journal.has_stored(newest);
    }
};

LimiterState::LimiterState(Settings settings, limit::Limiter& limiter, const Clock& clock)
    : settings_(std::move(settings)), limiter_(limiter), clock_(clock) {
}

LimiterState::~LimiterState() {
    limiter_.set_journal(nullptr);
}

Result<RestoreReport> LimiterState::restore(const Ids& ids, const limit::StateNames& names) {
    auto opened = JournalFile::open(settings_.file + ".journal", settings_.journal_records);
    if (!opened) return std::move(opened).failure();
    journaling_ = std::make_unique<Journaling>(std::move(*opened));

    auto report = read(ids);
    if (!report) return report;
    // A new state under the names of this process, then a journal under its id: in between, the
    // state alone has everything. A state of another process never meets the records of this one.
    const std::uint64_t id = JournalFile::new_id();
    journaling_->saved_next = journaling_->journal.next();
    journaling_->seen_next = journaling_->saved_next;
    if (auto saved = write(names, id, journaling_->saved_next); !saved) {
        return std::move(saved).failure();
    }
    journaling_->file.set_id(id);
    limit::Journal::remove_damaged(journaling_->file.ring());
    limiter_.set_journal(&journaling_->journal);
    return report;
}

Result<RestoreReport> LimiterState::read(const Ids& ids) {
    RestoreReport report;
    auto content = read_file_if_any(settings_.file, file_bytes_max);
    if (!content) return std::move(content).failure();
    const auto& [was_found, bytes] = *content;
    report.was_found = was_found;
    if (!was_found) return report;

    auto reader = limit::StateReader::open(bytes);
    const auto window_ms = static_cast<std::uint64_t>(limiter_.window().count());
    if (!reader) {
        report.set_aside = reader.error().detail;
    } else if (reader->header().window_ms != window_ms) {
        report.set_aside = "is about a window of " + std::to_string(reader->header().window_ms) +
                           " ms, not of " + std::to_string(window_ms) + " ms";
    }
    if (!report.set_aside.empty()) {
        const std::string aside = settings_.file + ".unusable";
        if (auto checked = may_replace(aside); !checked) return std::move(checked).failure();
        if (std::rename(settings_.file.c_str(), aside.c_str()) != 0) {
            return fail_with_errno("cannot rename to", aside);
        }
        return report;
    }
    const limit::StateHeader& header = reader->header();
    const Elapsed elapsed = elapsed_since(header, settings_.boot_id, clock_);
    report.age = Milliseconds(elapsed.ms);
    report.by_wall_clock = elapsed.by_wall_clock;
    RunsByKey journaled;
    if (header.journal_id == journaling_->file.id()) {
        journaled = read_journal(journaling_->file.ring(), header, report);
    } else if (header.journal_id != 0) {
        report.is_journal_missing = true;
    }
    Restorer(limiter_, *reader, elapsed, clock_.now(), ids, report).restore(std::move(journaled));
    return report;
}

bool LimiterState::is_due() const noexcept {
    const Milliseconds wait = save_interval();
    return clock_.now() - saved_ >= wait;
}

Milliseconds LimiterState::save_interval() const noexcept {
    if (is_journal_lost_ || has_save_failed_) return save_unjournaled_every;
    const bool is_half_used = journaling_->used() >= journaling_->journal.capacity() / 2;
    return is_half_used ? save_again : save_every;
}

Result<SaveReport> LimiterState::save(const limit::StateNames& names) {
    // Taken before the export begins: what has a smaller number is in the export.
    const std::uint64_t next = journaling_->journal.next();
    auto report = write(names, is_journal_lost_ ? 0 : journaling_->file.id(), next);
    has_save_failed_ = !report;
    if (!report) return report;
    report->journal_overran = journaling_->used() > journaling_->journal.capacity();
    journaling_->saved_next = next;
    return report;
}

Result<SaveReport> LimiterState::finish(const limit::StateNames& names) {
    limiter_.set_journal(nullptr);
    return write(names, 0, 0);
}

Result<SaveReport> LimiterState::write(const limit::StateNames& names, std::uint64_t journal_id,
                                       std::uint64_t journal_from) {
    const Instant began = clock_.now();
    // An attempt that fails is repeated when the next is due, not at once.
    saved_ = began;
    auto file = DurableFile::create(settings_.file);
    if (!file) return std::move(file).failure();
    limit::StateEncoder encoder({.window_ms = static_cast<std::uint64_t>(limiter_.window().count()),
                                 .clock_ms = ms_of(began),
                                 .wall_ms = ms_of(clock_.wall_now()),
                                 .boot_id = settings_.boot_id,
                                 .journal_id = journal_id,
                                 .journal_from = journal_from},
                                names);
    SaveReport report;
    Result<void> written;
    const auto put = [&](const std::string& bytes) {
        report.bytes += bytes.size();
        if (written) written = file->write(bytes);
    };
    limiter_.visit_state(began, [&](const KeyState& state) {
        ++report.keys;
        encoder.add(state);
        if (encoder.pending() >= write_bytes) put(encoder.take());
    });
    put(encoder.finish());
    if (written) written = file->commit();
    if (!written) return std::move(written).failure();
    report.took = std::chrono::duration_cast<Milliseconds>(clock_.now() - began);
    return report;
}

JournalReport LimiterState::tick(const std::function<limit::StateNames()>& names) {
    JournalReport report;
    if (journaling_ == nullptr) return report;
    journaling_->journal.touch_ahead(records_ahead);
    if (!is_journal_lost_) {
        const auto loss = journal_loss();
        if (!loss) return report;
        report.lost = *loss;
        is_journal_lost_ = true;
    }
    const Instant now = clock_.now();
    if (remade_at_ && now - *remade_at_ < remake_again) return report;
    remade_at_ = now;
    auto remade = journaling_->file.remake();
    if (remade) {
        // Records count from the next number on; the state has what was charged before.
        is_journal_lost_ = false;
        journaling_->seen_next = journaling_->journal.next();
        if (auto saved = save(names()); !saved) remade = std::move(saved).failure();
    }
    is_journal_lost_ = !remade;
    report.is_remade = !is_journal_lost_;
    if (!remade) report.not_remade = remade.error().detail;
    return report;
}

std::optional<std::string> LimiterState::journal_loss() {
    auto loss = journaling_->file.loss();
    if (!loss && !journaling_->has_kept_records()) loss = "records in it were erased";
    journaling_->seen_next = journaling_->journal.next();
    return loss;
}

std::string LimiterState::current_boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(file, id);
    return id;
}

}  // namespace sluicegate::app
