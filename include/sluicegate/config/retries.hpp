#pragma once
/// `retries:`: whether another attempt may follow a failed one.

namespace sluicegate::config {

struct Retries {
    /// The share of all requests that may be repeated, in percent; 0 … 100.
    unsigned budget_percent = 10;
    /// Repetitions per second that are always allowed; 0 … 100000.
    unsigned minimum = 10;
    unsigned attempts_max = 5;  ///< of one request, key max_attempts; 1 … 20
    /// Whether a request is sent again after a cut or an invalid answer, although the upstream may
    /// have begun to answer it.
    bool repeats_started = true;  ///< key repeat_started
    /// The same after a timeout: the upstream probably works on it still, and bills it.
    bool repeats_timeouts = false;  ///< key repeat_timeouts

    friend bool operator==(const Retries&, const Retries&) = default;
};

}  // namespace sluicegate::config
