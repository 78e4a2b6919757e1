#include "worker/health_checks.hpp"

#include "sluicegate/net/spawn.hpp"
#include "sluicegate/net/wait.hpp"
#include "sluicegate/provider/health_request.hpp"
#include "sluicegate/upstream/probe.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace sluicegate::worker {
namespace {

/// Over which the first checks are spread.
constexpr Milliseconds spread_max{500};

/// Errors of an exchange begin with the name of the upstream, which the log has beside them.
std::string reason_of(const Error& error, const std::string& upstream) {
    if (error.kind == ErrorKind::upstream_connect_timeout) return "no connection in time";
    if (error.kind == ErrorKind::upstream_total_timeout) return "no answer in time";
    const std::string prefix = upstream + ": ";
    return error.detail.starts_with(prefix) ? error.detail.substr(prefix.size()) : error.detail;
}

}  // namespace

/// One endpoint's check; lives as long as its task.
class HealthChecks::Check {
public:
    Check(client::Context& context, Telemetry& telemetry, const Target& target)
        : context_(context),
          telemetry_(telemetry),
          target_(target),
          wait_(context.io, context.deadlines) {}

    void tell(const Target& target) noexcept { target_ = target; }
    void end() noexcept {
        is_over_ = true;
        if (exchange_) exchange_->cancel(ErrorKind::draining);
        wait_.wake();
    }

    static net::Task<void> run(std::shared_ptr<Check> self) {
        const Milliseconds first_every = self->target_.pool->settings().health->every;
        const std::int64_t spread = std::min(spread_max, first_every).count() + 1;
        Instant next =
            self->context_.clock.now() + Milliseconds(self->context_.randomness.next() % spread);
        for (;;) {
            co_await self->wait_.until(next);
            if (self->is_over_) co_return;
            // A reload has taken `health` away, and is about to end this.
            const auto& health = self->target_.pool->settings().health;
            if (!health) co_return;
            next = self->context_.clock.now() + health->every;
            const std::optional<std::string> reason = co_await self->ask();
            if (self->is_over_) co_return;
            if (reason) self->report(*reason);
        }
    }

private:
    /// Why the endpoint is not healthy; "" when it is. Nothing when the gateway had no memory for
    /// the answer: that says nothing of the endpoint.
    net::Task<std::optional<std::string>> ask() {
        // A reload may put others in force meanwhile.
        const upstream::Pool::Settings settings = target_.pool->shared_settings();
        const config::HealthCheck& check = *settings->health;
        config::UpstreamTimeouts timeouts = settings->timeouts;
        timeouts.first_byte = timeouts.between_bytes = timeouts.total = check.timeout;
        const Secret request = provider::health_request(*settings, target_.endpoint);
        exchange_.emplace(target_.pool, context_.clock.now(), timeouts);
        const auto method = provider::health_method(check);
        auto status = co_await upstream::probe(*exchange_, request.reveal(), method);
        std::optional<std::string> reason;
        if (status) {
            reason = provider::why_unhealthy(*settings, *status, exchange_->body());
        } else if (status.error().kind != ErrorKind::overloaded) {
            reason = reason_of(status.error(), settings->name);
        }
        exchange_.reset();
        co_return reason;
    }

    void report(const std::string& reason) {
        const auto& [pool, upstream, endpoint] = target_;
        const auto change =
            upstream->report_check(endpoint, reason.empty(), reason, context_.clock.now());
        telemetry_.note_health(pool->settings().name, upstream->endpoints()[endpoint]->label(),
                               change);
    }

    client::Context& context_;
    Telemetry& telemetry_;
    Target target_;
    net::Wait wait_;
    std::optional<upstream::Exchange> exchange_;  ///< while a question is under way
    bool is_over_ = false;
};

void HealthChecks::begin_watching() noexcept {
    ++generation_;
    ending_.reset();
}

void HealthChecks::watch(const Target& target) {
    if (!target.pool->settings().health) return;
    Kept& kept = checks_[target.pool.get()];
    kept.generation = generation_;
    if (kept.check) {
        kept.check->tell(target);
        return;
    }
    kept.check = std::make_shared<Check>(context_, telemetry_, target);
    net::spawn(context_.io, Check::run(kept.check), "health check");
}

bool HealthChecks::end_unwatched(std::size_t most) noexcept {
    Map::iterator at = ending_.value_or(checks_.begin());
    for (std::size_t done = 0; at != checks_.end() && done < most; ++done) {
        if (at->second.generation == generation_) {
            ++at;
            continue;
        }
        at->second.check->end();
        at = checks_.erase(at);
    }
    ending_ = at;
    return at == checks_.end();
}

void HealthChecks::stop() noexcept {
    for (const auto& [pool, kept] : checks_) kept.check->end();
    checks_.clear();
}

}  // namespace sluicegate::worker
