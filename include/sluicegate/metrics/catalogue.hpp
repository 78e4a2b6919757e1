#pragma once
/// The list of all metrics: name, type, labels, help and unit. docs/metrics.md is generated from
/// it. A metric that is not in it cannot be counted.
///
/// Label values come from the configuration or from fixed lists, never from a client. A request
/// whose model is missing or not configured counts under the model "unknown".

#include <cstdint>
#include <span>
#include <string_view>

namespace sluicegate::metrics {

enum class Metric : std::uint8_t {
    requests_total,                                ///< {model, status, outcome}
    requests_in_flight,                            ///< {}
    request_duration_seconds,                      ///< {model}
    auth_failures_total,                           ///< {kind}
    limiter_decisions_total,                       ///< {model, decision}
    limiter_refusals_total,                        ///< {model, limit, mode}
    limiter_settled_tokens_total,                  ///< {model}
    limiter_slots_used,                            ///< {window}
    limiter_memory_bytes,                          ///< {window}
    limiter_evictions_total,                       ///< {window}
    limiter_overflows_total,                       ///< {window}
    limiter_journal_lost,                          ///< {}
    limiter_journal_losses_total,                  ///< {}
    tokens_total,                                  ///< {model, kind, source}
    inter_token_duration_seconds,                  ///< {model}
    user_requests_total,                           ///< {user, model, outcome}
    user_tokens_total,                             ///< {user, model, kind}
    client_connections,                            ///< {}
    client_connections_refused_total,              ///< {reason}
    client_connections_evicted_total,              ///< {}
    client_handshake_failures_total,               ///< {reason}
    upstream_first_byte_duration_seconds,          ///< {upstream}
    upstream_request_duration_seconds,             ///< {upstream}
    upstream_connections,                          ///< {upstream, state}
    upstream_connects_total,                       ///< {upstream, kind}
    upstream_attempts_total,                       ///< {upstream}
    upstream_errors_total,                         ///< {upstream, kind}
    routed_requests_total,                         ///< {model, upstream, reason}
    retries_total,                                 ///< {outcome}
    upstream_queue_total,                          ///< {upstream, outcome}
    upstream_queue_duration_seconds,               ///< {upstream}
    upstream_endpoint_up,                          ///< {upstream, endpoint}
    upstream_endpoint_in_flight,                   ///< {upstream, endpoint}
    upstream_state_changes_total,                  ///< {upstream, endpoint, state}
    upstream_cooling_seconds,                      ///< {upstream, model}
    config_reloads_total,                          ///< {outcome}
    config_last_reload_successful,                 ///< {}
    config_last_reload_success_timestamp_seconds,  ///< {}
    tls_certificate_not_after_seconds,             ///< {file}
    api_keys_expiring,                             ///< {}
    config_info,                                   ///< {sha256}
    build_info,                                    ///< {version, compiler}
    worker_stalled_seconds,                        ///< {worker}
    memory_buffered_bytes,                         ///< {}
    internal_errors_total,                         ///< {}
    log_lines_dropped_total,                       ///< {}
    metrics_series_refused_total,                  ///< {}
    process_cpu_seconds_total,                     ///< {}
    process_resident_memory_bytes,                 ///< {}
    process_open_fds,                              ///< {}
    process_max_fds,                               ///< {}
    process_start_time_seconds,                    ///< {}
    count_                                         ///< number of metrics, not a metric
};

enum class Type : std::uint8_t { counter, gauge, histogram };

/// The unit of a metric's integers. Nanoseconds are shown as seconds, with all digits.
enum class Unit : std::uint8_t { one, nanoseconds };

struct Label {
    std::string_view name;
    std::string_view values;  ///< possible values, for the documentation
};

struct Definition {
    Metric metric;
    std::string_view name;
    Type type;
    Unit unit;
    std::span<const Label> labels;
    std::string_view help;
};

/// The model label of requests that name no configured model.
inline constexpr std::string_view unknown_model = "unknown";

/// In the order of Metric, which is the order of the exposition.
[[nodiscard]] std::span<const Definition> catalogue() noexcept;
[[nodiscard]] const Definition& definition_of(Metric metric) noexcept;

/// Upper bounds of the buckets of every histogram, in nanoseconds, ascending. A last bucket without
/// a bound follows. They go from 1 ms (an embedded answer) to 500 s (a long generation).
[[nodiscard]] std::span<const std::int64_t> bucket_bounds() noexcept;

[[nodiscard]] std::string_view name_of(Type type) noexcept;

}  // namespace sluicegate::metrics
