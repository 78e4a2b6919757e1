#pragma once
/// What a limiter must count, as a plain list of everything that was charged. The tests of the laws
/// compare the limiter with it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace sluicegate::limit {

/// Every charge of one key, oldest first, with the sums over those younger than a span.
class AdmissionList {
public:
    explicit AdmissionList(std::int64_t span_ms) : span_ms_(span_ms) {}

    void advance(std::int64_t now) {
        for (; !events_.empty() && now - events_.front().at >= span_ms_; ++gone_) {
            requests_ -= events_.front().requests;
            tokens_ -= events_.front().tokens;
            events_.pop_front();
        }
    }
    /// Returns the charge's name for change().
    std::size_t add(std::int64_t now, std::int64_t requests, std::int64_t tokens) {
        events_.push_back({now, requests, tokens});
        requests_ += requests;
        tokens_ += tokens;
        return gone_ + events_.size() - 1;
    }
    void change(std::size_t id, std::int64_t requests, std::int64_t tokens) {
        if (id < gone_) return;
        events_[id - gone_].requests += requests;
        events_[id - gone_].tokens += tokens;
        requests_ += requests;
        tokens_ += tokens;
    }
    [[nodiscard]] std::int64_t requests() const { return requests_; }
    [[nodiscard]] std::int64_t tokens() const { return tokens_; }

private:
    struct Event {
        std::int64_t at;
        std::int64_t requests;
        std::int64_t tokens;
    };
    std::int64_t span_ms_;
    std::deque<Event> events_;
    std::size_t gone_ = 0;
    std::int64_t requests_ = 0;
    std::int64_t tokens_ = 0;
};

/// One window of one key: what must count at least, and what may count at most. The window's unit
/// and merged runs may make a charge count for longer.
class WindowOracle {
public:
    /// One request's latest charge in this window.
    struct Charged {
        std::int64_t at = 0;
        std::size_t id = 0;
        std::size_t id_longest = 0;
        std::int64_t tokens = 0;
        bool has_request = false;
    };

    WindowOracle(std::int64_t window_ms, std::int64_t unit_ms, std::int64_t join_ms)
        : window_ms_(window_ms),
          unit_ms_(unit_ms),
          exact_(window_ms),
          longest_(window_ms + (unit_ms == 1 ? 0 : unit_ms) + join_ms) {}

    void advance(std::int64_t clock) {
        clock_ = clock;
        exact_.advance(clock);
        longest_.advance(clock);
    }

    Charged charge(std::int64_t requests, std::int64_t tokens) {
        return {.at = clock_,
                .id = exact_.add(clock_, requests, tokens),
                .id_longest = longest_.add(clock_, requests, tokens),
                .tokens = tokens,
                .has_request = requests != 0};
    }

    /// Law L5. What was used beyond the reservation counts with the request, or from now on. What
    /// was not used comes back from the latest charge while that still counts.
    void correct(Charged& charged, std::int64_t reserved, std::int64_t used) {
        if (used <= reserved) {
            if (is_live(charged)) {
                change(charged, 0, -std::min(reserved - used, charged.tokens));
            }
        } else if (charged.has_request ? is_live(charged)
                                       : charged.at / unit_ms_ == clock_ / unit_ms_) {
            change(charged, 0, used - reserved);
        } else {
            charged = charge(0, used - reserved);
        }
    }

    void give_back(Charged& charged) {
        if (is_live(charged)) change(charged, charged.has_request ? -1 : 0, -charged.tokens);
    }

    [[nodiscard]] const AdmissionList& exact() const { return exact_; }
    [[nodiscard]] const AdmissionList& longest() const { return longest_; }

private:
    [[nodiscard]] bool is_live(const Charged& charged) const {
        const std::int64_t age = clock_ / unit_ms_ - charged.at / unit_ms_;
        return age * unit_ms_ < window_ms_ + (unit_ms_ == 1 ? 0 : unit_ms_);
    }

    void change(Charged& charged, std::int64_t requests, std::int64_t tokens) {
        exact_.change(charged.id, requests, tokens);
        longest_.change(charged.id_longest, requests, tokens);
        charged.tokens += tokens;
    }

    std::int64_t window_ms_;
    std::int64_t unit_ms_;
    std::int64_t clock_ = 0;
    AdmissionList exact_;
    AdmissionList longest_;
};

}  // namespace sluicegate::limit
