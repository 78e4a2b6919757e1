#include "sluicegate/metrics/catalogue.hpp"

#include <array>
#include <cstddef>

namespace sluicegate::metrics {
namespace {

constexpr std::size_t metric_count = static_cast<std::size_t>(Metric::count_);

constexpr Label model{"model", "a configured model, or `unknown`"};
constexpr Label upstream{"upstream", "a configured upstream"};

constexpr std::array requests_labels{
    model, Label{"status", "the HTTP status sent; `499` when the client left before an answer"},
    Label{"outcome", "`ok`, or the kind of the error as in the log, e.g. `rate_limited`"}};
constexpr std::array model_labels{model};
constexpr std::array auth_failure_labels{
    Label{"kind",
          "`missing_api_key`, `invalid_authorization_header`, `different_api_keys`, "
          "`invalid_api_key`, `mistyped_api_key`, `api_key_expired`, `ip_not_allowed`"}};
constexpr std::array decision_labels{model, Label{"decision", "`admitted`, `rejected`"}};
constexpr Label user{"user", "a configured user"};
constexpr std::array refusal_labels{model,
                                    Label{"limit", "`rpm`, `tpm`, `rpd`, `tpd`, `concurrency`"},
                                    Label{"mode", "`enforced`, `dry_run`"}};
constexpr std::array window_labels{Label{"window", "`minute`, `day`"}};
constexpr std::array worker_labels{Label{"worker", "the number of a worker thread, from 0"}};
constexpr std::array token_labels{
    model,
    Label{"kind", "`input`, `output`; parts of them: `cached_input`, `cache_write`, `reasoning`"},
    Label{"source",
          "`reported` by the upstream, `counted` as the output went by, `estimated` from sizes"}};
constexpr std::array user_request_labels{
    user, model,
    Label{"outcome", "`ok`, or the kind of the error as in the log, e.g. `rate_limited`"}};
constexpr std::array user_token_labels{
    user, model, Label{"kind", "`input`, `output`; `settled`: the tokens charged to the limits"}};
constexpr std::array refused_connection_labels{
    Label{"reason",
          "`full`: `server.max_connections` have all shown a valid key; `per_address`: "
          "`server.max_connections_per_address`; `handshakes`: too many TLS handshakes of the "
          "address have failed; `client_certificate`: none that is valid came, at a listener with "
          "`client_ca`; `untrusted_proxy`: a listener with `proxy_protocol`, and a peer outside "
          "`server.trusted_proxies`"}};
constexpr std::array handshake_failure_labels{
    Label{"reason",
          "`plain_http`: HTTP on a TLS listener; `not_tls`: something else there; `version`: no "
          "TLS version or cipher in common; `certificate`: one side refused the other's; "
          "`timeout`: `server.timeouts.header`; `closed`: the client closed; `proxy_header`: no "
          "valid header of the PROXY protocol; `other`"}};
constexpr std::array upstream_labels{upstream};
constexpr std::array upstream_state_labels{upstream, Label{"state", "`active`, `idle`"}};
constexpr std::array upstream_connect_labels{
    upstream, Label{"kind",
                    "`reused` from the pool; new: `plain`, `tls` (full handshake), "
                    "`tls_resumed`"}};
constexpr std::array upstream_error_labels{
    upstream, Label{"kind", "the kind of the error as in the log, e.g. `upstream_timeout`"}};
constexpr std::array routed_labels{
    model, upstream,
    Label{"reason",
          "`share`: by its weight; `spill`: others were full, cooling down or unhealthy; "
          "`failover`: another attempt had failed; `none`: no upstream answered, this one was "
          "tried last"}};
constexpr std::array retry_labels{
    Label{"outcome", "`done`; `over_budget`: not allowed, see `retries.budget`"}};
constexpr std::array queue_labels{
    upstream, Label{"outcome",
                    "`granted`; `timeout`; `full`: `queue.max_waiting` were waiting "
                    "already; `left`: the client left"}};
constexpr Label endpoint{"endpoint", "its URL"};
constexpr std::array endpoint_labels{upstream, endpoint};
constexpr std::array state_change_labels{
    upstream, endpoint,
    Label{"state", "`healthy`, `checking_failed`, `open`, `half_open`, `paused`"}};
constexpr std::array cooling_labels{upstream, Label{"model", "as the upstream calls it"}};
constexpr std::array reload_labels{Label{"outcome", "`success`, `failure`"}};
constexpr std::array certificate_labels{Label{"file", "the file of the certificate"}};
constexpr std::array config_labels{Label{"sha256", "hash of the text of the configuration"}};
constexpr std::array build_labels{Label{"version", "of sluicegate"},
                                  Label{"compiler", "name and version"}};

constexpr std::array<Definition, metric_count> definitions{{
    {Metric::requests_total, "sluicegate_requests_total", Type::counter, Unit::one, requests_labels,
     "Requests answered or given up, by model, HTTP status and outcome."},
    {Metric::requests_in_flight,
     "sluicegate_requests_in_flight",
     Type::gauge,
     Unit::one,
     {},
     "Requests whose head has been read and whose answer is not complete."},
    {Metric::request_duration_seconds, "sluicegate_request_duration_seconds", Type::histogram,
     Unit::nanoseconds, model_labels,
     "Time from the complete head of a request to the last byte of its answer."},
    {Metric::auth_failures_total, "sluicegate_auth_failures_total", Type::counter, Unit::one,
     auth_failure_labels, "Requests refused for their credentials."},
    {Metric::limiter_decisions_total, "sluicegate_limiter_decisions_total", Type::counter,
     Unit::one, decision_labels, "Requests that the limits admitted or refused."},
    {Metric::limiter_refusals_total, "sluicegate_limiter_refusals_total", Type::counter, Unit::one,
     refusal_labels, "Requests that a limit refused or, in a dry run, would have refused."},
    {Metric::limiter_settled_tokens_total, "sluicegate_limiter_settled_tokens_total", Type::counter,
     Unit::one, model_labels,
     "Tokens that were charged to the limits in the end, in place of the reserved ones."},
    {Metric::limiter_slots_used, "sluicegate_limiter_slots_used", Type::gauge, Unit::one,
     window_labels, "Pairs of user and model for which the limiter keeps counts."},
    {Metric::limiter_memory_bytes, "sluicegate_limiter_memory_bytes", Type::gauge, Unit::one,
     window_labels, "Memory that these counts take."},
    {Metric::limiter_evictions_total, "sluicegate_limiter_evictions_total", Type::counter,
     Unit::one, window_labels, "Idle counts whose place another pair took; nothing is lost by it."},
    {Metric::limiter_overflows_total, "sluicegate_limiter_overflows_total", Type::counter,
     Unit::one, window_labels,
     "Requests decided by a slot that several pairs share, because limiter.slots were all in "
     "use: refused sooner than they had to be."},
    {Metric::limiter_journal_lost,
     "sluicegate_limiter_journal_lost",
     Type::gauge,
     Unit::one,
     {},
     "1 while the journal of limiter.state_file is lost: truncated, replaced, deleted, or refused "
     "by the disk. A kill then forgets what was charged since the last state."},
    {Metric::limiter_journal_losses_total,
     "sluicegate_limiter_journal_losses_total",
     Type::counter,
     Unit::one,
     {},
     "How often that has happened."},
    {Metric::tokens_total, "sluicegate_tokens_total", Type::counter, Unit::one, token_labels,
     "Model tokens of answered requests."},
    {Metric::inter_token_duration_seconds, "sluicegate_inter_token_duration_seconds",
     Type::histogram, Unit::nanoseconds, model_labels,
     "Mean time between two pieces of output, once for each stream."},
    {Metric::user_requests_total, "sluicegate_user_requests_total", Type::counter, Unit::one,
     user_request_labels,
     "Requests by user; only with admin.user_metrics, and never with show_users: false."},
    {Metric::user_tokens_total, "sluicegate_user_tokens_total", Type::counter, Unit::one,
     user_token_labels,
     "Model tokens by user; only with admin.user_metrics, and never with show_users: false."},
    {Metric::client_connections,
     "sluicegate_client_connections",
     Type::gauge,
     Unit::one,
     {},
     "Open connections of clients."},
    {Metric::client_connections_refused_total, "sluicegate_client_connections_refused_total",
     Type::counter, Unit::one, refused_connection_labels,
     "Connections of clients that were not served."},
    {Metric::client_connections_evicted_total,
     "sluicegate_client_connections_evicted_total",
     Type::counter,
     Unit::one,
     {},
     "Connections that had shown no valid key and gave way to a new one, because no place was "
     "free."},
    {Metric::client_handshake_failures_total, "sluicegate_client_handshake_failures_total",
     Type::counter, Unit::one, handshake_failure_labels,
     "Connections that ended before their first request, in the TLS handshake or in the header of "
     "the PROXY protocol. At log.level debug each has a line handshake_failed."},
    {Metric::upstream_first_byte_duration_seconds,
     "sluicegate_upstream_first_byte_duration_seconds", Type::histogram, Unit::nanoseconds,
     upstream_labels, "Time from the start of an attempt to the complete head of its answer."},
    {Metric::upstream_request_duration_seconds, "sluicegate_upstream_request_duration_seconds",
     Type::histogram, Unit::nanoseconds, upstream_labels,
     "Time from the start of an attempt to the last byte of its answer."},
    {Metric::upstream_connections, "sluicegate_upstream_connections", Type::gauge, Unit::one,
     upstream_state_labels, "Open connections to upstreams."},
    {Metric::upstream_connects_total, "sluicegate_upstream_connects_total", Type::counter,
     Unit::one, upstream_connect_labels, "Connections taken for attempts, by their origin."},
    {Metric::upstream_attempts_total, "sluicegate_upstream_attempts_total", Type::counter,
     Unit::one, upstream_labels, "Attempts at an upstream, failed connections included."},
    {Metric::upstream_errors_total, "sluicegate_upstream_errors_total", Type::counter, Unit::one,
     upstream_error_labels, "Attempts that failed at the upstream."},
    {Metric::routed_requests_total, "sluicegate_routed_requests_total", Type::counter, Unit::one,
     routed_labels, "Requests by the upstream that answered, and the reason of the choice."},
    {Metric::retries_total, "sluicegate_retries_total", Type::counter, Unit::one, retry_labels,
     "Attempts after a failed one."},
    {Metric::upstream_queue_total, "sluicegate_upstream_queue_total", Type::counter, Unit::one,
     queue_labels,
     "Requests that found every endpoint at `max_in_flight`, and waited or would have waited."},
    {Metric::upstream_queue_duration_seconds, "sluicegate_upstream_queue_duration_seconds",
     Type::histogram, Unit::nanoseconds, upstream_labels,
     "Time that requests waited for a slot at an upstream."},
    {Metric::upstream_endpoint_up, "sluicegate_upstream_endpoint_up", Type::gauge, Unit::one,
     endpoint_labels, "1 for an endpoint that is healthy, 0 for one that is taken last."},
    {Metric::upstream_endpoint_in_flight, "sluicegate_upstream_endpoint_in_flight", Type::gauge,
     Unit::one, endpoint_labels, "Requests at an endpoint now; `max_in_flight` bounds them."},
    {Metric::upstream_state_changes_total, "sluicegate_upstream_state_changes_total", Type::counter,
     Unit::one, state_change_labels, "Times that an endpoint changed to a state."},
    {Metric::upstream_cooling_seconds, "sluicegate_upstream_cooling_seconds", Type::gauge,
     Unit::nanoseconds, cooling_labels,
     "Remaining time without requests to an upstream for a model, after a 429."},
    {Metric::config_reloads_total, "sluicegate_config_reloads_total", Type::counter, Unit::one,
     reload_labels, "Reloads of the configuration, by SIGHUP or `POST /reload`."},
    {Metric::config_last_reload_successful,
     "sluicegate_config_last_reload_successful",
     Type::gauge,
     Unit::one,
     {},
     "1 when the last reload, or the start, has succeeded; 0 when the file was refused."},
    {Metric::config_last_reload_success_timestamp_seconds,
     "sluicegate_config_last_reload_success_timestamp_seconds",
     Type::gauge,
     Unit::nanoseconds,
     {},
     "When the configuration in force was loaded, in seconds since 1970."},
    {Metric::tls_certificate_not_after_seconds, "sluicegate_tls_certificate_not_after_seconds",
     Type::gauge, Unit::nanoseconds, certificate_labels,
     "When a certificate of a listener, of the admin port or for an upstream ends, in seconds "
     "since 1970."},
    {Metric::api_keys_expiring,
     "sluicegate_api_keys_expiring",
     Type::gauge,
     Unit::one,
     {},
     "API keys that expire within 14 days. The log names them once a day, as `key_expires`."},
    {Metric::config_info, "sluicegate_config_info", Type::gauge, Unit::one, config_labels,
     "Always 1: names the configuration in force."},
    {Metric::build_info, "sluicegate_build_info", Type::gauge, Unit::one, build_labels,
     "Always 1: names the program."},
    {Metric::worker_stalled_seconds, "sluicegate_worker_stalled_seconds", Type::gauge,
     Unit::nanoseconds, worker_labels,
     "How long a worker has not run, from 5 s on; 0 while it runs. `/livez` is 503 meanwhile."},
    {Metric::memory_buffered_bytes,
     "sluicegate_memory_buffered_bytes",
     Type::gauge,
     Unit::one,
     {},
     "Memory taken by what clients and upstreams have sent; `server.memory` bounds it. What it had "
     "no room for is counted under the outcome `overloaded` of requests."},
    {Metric::internal_errors_total,
     "sluicegate_internal_errors_total",
     Type::counter,
     Unit::one,
     {},
     "Exceptions that ended a task or a turn of a loop: defects, or a shortage of memory. The log "
     "has each as `task_failed`."},
    {Metric::log_lines_dropped_total,
     "sluicegate_log_lines_dropped_total",
     Type::counter,
     Unit::one,
     {},
     "Log lines (or batches of access log lines) lost because the queue was full."},
    {Metric::metrics_series_refused_total,
     "sluicegate_metrics_series_refused_total",
     Type::counter,
     Unit::one,
     {},
     "Look-ups of a new series beyond the bound; not shown here."},
    {Metric::process_cpu_seconds_total,
     "process_cpu_seconds_total",
     Type::counter,
     Unit::nanoseconds,
     {},
     "User and system CPU time spent, in seconds."},
    {Metric::process_resident_memory_bytes,
     "process_resident_memory_bytes",
     Type::gauge,
     Unit::one,
     {},
     "Resident memory size in bytes."},
    {Metric::process_open_fds,
     "process_open_fds",
     Type::gauge,
     Unit::one,
     {},
     "Number of open file descriptors."},
    {Metric::process_max_fds,
     "process_max_fds",
     Type::gauge,
     Unit::one,
     {},
     "Maximum number of open file descriptors."},
    {Metric::process_start_time_seconds,
     "process_start_time_seconds",
     Type::gauge,
     Unit::nanoseconds,
     {},
     "Start time of the process, in seconds since 1970."},
}};

constexpr bool rows_stand_in_order() {
    for (std::size_t i = 0; i < definitions.size(); ++i) {
        if (definitions[i].metric != static_cast<Metric>(i)) return false;
    }
    return true;
}
static_assert(rows_stand_in_order(), "one row for each Metric, in the order of the enum");

constexpr std::int64_t ms = 1'000'000;
constexpr std::array<std::int64_t, 18> bounds{
    1 * ms,     2'500'000,  5 * ms,     10 * ms,     25 * ms,     50 * ms,
    100 * ms,   250 * ms,   500 * ms,   1000 * ms,   2500 * ms,   5000 * ms,
    10000 * ms, 25000 * ms, 50000 * ms, 100000 * ms, 250000 * ms, 500000 * ms};

}  // namespace

std::span<const Definition> catalogue() noexcept {
    return definitions;
}

const Definition& definition_of(Metric metric) noexcept {
    return definitions[static_cast<std::size_t>(metric)];
}

std::span<const std::int64_t> bucket_bounds() noexcept {
    return bounds;
}

std::string_view name_of(Type type) noexcept {
    switch (type) {
        case Type::counter: return "counter";
        case Type::gauge: return "gauge";
        case Type::histogram: return "histogram";
    }
    return "";
}

}  // namespace sluicegate::metrics
