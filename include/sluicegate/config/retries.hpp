#pragma once
/// `retries:`: how far a failed attempt may cause another.

namespace sluicegate::config {

struct Retries {
    /// Of the requests of all users: so many may be repeated, in percent; 0 … 100.
    unsigned budget_percent = 10;
    /// Repetitions per second that are allowed in any case; 0 … 100000.
    unsigned minimum = 10;
    unsigned attempts_max = 5;  ///< of one request, key max_attempts; 1 … 20
    /// Whether a request that an upstream may have begun to answer is sent again after it timed
    /// out, broke off or answered nonsense.
    bool repeats_started = true;  ///< key repeat_started

    friend bool operator==(const Retries&, const Retries&) = default;
};

}  // namespace sluicegate::config
