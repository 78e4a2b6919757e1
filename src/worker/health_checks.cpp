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
          pool_(target.pool),
          upstream_(target.upstream),
          request_(provider::health_request(pool_->settings(), pool_->endpoint_index())),
          wait_(context.io, context.deadlines) {}

    [[nodiscard]] const std::shared_ptr<upstream::Pool>& pool() const noexcept { return pool_; }
    void follow(std::shared_ptr<const route::UpstreamHandle> upstream) noexcept {
        upstream_ = std::move(upstream);
    }
    void end() noexcept {
        is_over_ = true;
        if (exchange_) exchange_->cancel(ErrorKind::draining);
        wait_.wake();
    }

    static net::Task<void> run(std::shared_ptr<Check> self) {
        const config::HealthCheck& settings = *self->pool_->settings().health;
        const std::int64_t spread = std::min(spread_max, settings.every).count() + 1;
        Instant next =
            self->context_.clock.now() + Milliseconds(self->context_.randomness.next() % spread);
        for (;;) {
            co_await self->wait_.until(next);
            if (self->is_over_) co_return;
            next = self->context_.clock.now() + settings.every;
            const std::string reason = co_await self->ask();
            if (self->is_over_) co_return;
            self->report(reason);
        }
    }

private:
    /// Why the endpoint is not healthy; "" when it is.
    net::Task<std::string> ask() {
        const config::HealthCheck& settings = *pool_->settings().health;
        config::UpstreamTimeouts timeouts = pool_->settings().timeouts;
        timeouts.first_byte = timeouts.between_bytes = timeouts.total = settings.timeout;
        exchange_.emplace(pool_, context_.clock.now(), timeouts);
        const auto method = provider::health_method(settings);
        auto status = co_await upstream::probe(*exchange_, request_.reveal(), method);
        std::string reason;
        if (!status) {
            reason = reason_of(status.error(), pool_->settings().name);
        } else {
            reason = provider::why_unhealthy(pool_->settings(), *status, exchange_->body());
        }
        exchange_.reset();
        co_return reason;
    }

    void report(const std::string& reason) {
        const std::size_t endpoint = pool_->endpoint_index();
        const auto change =
            upstream_->report_check(endpoint, reason.empty(), reason, context_.clock.now());
        telemetry_.note_health(pool_->settings().name, upstream_->endpoints()[endpoint]->label(),
                               change);
    }

    client::Context& context_;
    Telemetry& telemetry_;
    std::shared_ptr<upstream::Pool> pool_;
    std::shared_ptr<const route::UpstreamHandle> upstream_;
    Secret request_;
    net::Wait wait_;
    std::optional<upstream::Exchange> exchange_;  ///< while a question is under way
    bool is_over_ = false;
};

void HealthChecks::watch(const std::vector<Target>& targets) {
    std::vector<std::shared_ptr<Check>> wanted;
    for (const Target& target : targets) {
        if (!target.pool->settings().health) continue;
        const auto same = std::ranges::find_if(checks_, [&](const auto& check) {
            return check != nullptr && check->pool() == target.pool;
        });
        if (same != checks_.end()) {
            (*same)->follow(target.upstream);
            wanted.push_back(std::exchange(*same, nullptr));
            continue;
        }
        wanted.push_back(std::make_shared<Check>(context_, telemetry_, target));
        net::spawn(context_.io, Check::run(wanted.back()), "health check");
    }
    for (const auto& check : checks_) {
        if (check) check->end();
    }
    checks_ = std::move(wanted);
}

void HealthChecks::stop() noexcept {
    for (const auto& check : checks_) check->end();
    checks_.clear();
}

}  // namespace sluicegate::worker
