#include "gateway/health_checks.hpp"

#include "sluicegate/base/json_text.hpp"
#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/net/spawn.hpp"
#include "sluicegate/net/wakeup.hpp"
#include "sluicegate/openai/normalise_error.hpp"
#include "sluicegate/upstream/probe.hpp"

#include "gateway/upstream_answer.hpp"
#include "gateway/upstream_fields.hpp"
#include "gateway/upstream_target.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace sluicegate::gateway {
namespace {

/// Over which the first checks are spread.
constexpr Milliseconds spread_max{500};
constexpr std::size_t told_bytes_max = 120;

/// The whole request. Secret, because the upstream's key is in it.
Secret request_of(const upstream::Pool& pool) {
    const config::Upstream& upstream = pool.settings();
    const config::HealthCheck& check = *upstream.health;
    std::string target;
    std::string body;
    if (check.path.empty()) {
        append_target(target, upstream, pool.endpoint_index(), openai::Endpoint::chat_completions,
                      check.model, "");
        body = R"({"model":)";
        append_json_string(body, check.model);
        body += R"(,"messages":[{"role":"user","content":"ping"}],"max_tokens":1})";
    } else {
        target = check.path;
    }
    std::string text;
    http::append_request_line(text, body.empty() ? http::Method::get : http::Method::post, target);
    text += upstream_fields(upstream, pool.endpoint_index()).reveal();
    if (!body.empty()) {
        http::append_field(text, "content-type", "application/json");
        http::append_field(text, "content-length", static_cast<std::int64_t>(body.size()));
    }
    http::append_head_end(text);
    text += body;
    return Secret(std::move(text));
}

/// Cut before a character, never inside one.
std::string beginning_of(const std::string& text) {
    std::size_t size = std::min(text.size(), told_bytes_max);
    while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
    return text.substr(0, size);
}

/// Why an answer is no sign of health. What the server says of itself belongs to it; what it says
/// of our key stays out of the log.
std::string reason_of(unsigned status, std::string_view body) {
    std::string reason = "answered " + std::to_string(status);
    if (status == 401 || status == 403) return reason + ": it refuses the API key";
    if (status < 500) return reason;
    if (const auto told = openai::error_in(body)) reason += ": " + beginning_of(told->message);
    return reason;
}

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
    Check(Worker& worker, const Target& target)
        : worker_(worker),
          pool_(target.pool),
          state_(target.state),
          request_(request_of(*pool_)),
          deadline_(worker.deadlines(), this, &due),
          wakeup_(worker.context()) {}

    [[nodiscard]] const std::shared_ptr<upstream::Pool>& pool() const noexcept { return pool_; }
    void tell(std::shared_ptr<route::UpstreamState> state) noexcept { state_ = std::move(state); }
    void end() noexcept {
        is_over_ = true;
        if (exchange_) exchange_->cancel(ErrorKind::draining);
        wakeup_.wake();
    }

    static net::Task<void> run(std::shared_ptr<Check> self) {
        const config::HealthCheck& settings = *self->pool_->settings().health;
        const std::int64_t spread = std::min(spread_max, settings.every).count() + 1;
        Instant next = self->worker_.clock().now() + Milliseconds(self->worker_.random() % spread);
        for (;;) {
            self->deadline_.arm(next);
            co_await self->wakeup_.wait();
            if (self->is_over_) co_return;
            next = self->worker_.clock().now() + settings.every;
            const std::string reason = co_await self->ask();
            if (self->is_over_) co_return;
            self->report(reason);
        }
    }

private:
    static void due(void* self) noexcept { static_cast<Check*>(self)->wakeup_.wake(); }

    /// Why the endpoint is not healthy; "" when it is.
    net::Task<std::string> ask() {
        const config::HealthCheck& settings = *pool_->settings().health;
        config::UpstreamTimeouts timeouts = pool_->settings().timeouts;
        timeouts.first_byte = timeouts.between_bytes = timeouts.total = settings.timeout;
        exchange_.emplace(pool_, worker_.clock().now(), timeouts);
        const auto method = settings.path.empty() ? http::Method::post : http::Method::get;
        auto status = co_await upstream::probe(*exchange_, request_.reveal(), method);
        std::string reason;
        if (!status) {
            reason = reason_of(status.error(), pool_->settings().name);
        } else if (!is_success(*status)) {
            reason = reason_of(*status, exchange_->body());
        }
        exchange_.reset();
        co_return reason;
    }

    void report(const std::string& reason) {
        const std::size_t endpoint = pool_->endpoint_index();
        const auto change =
            state_->report_check(endpoint, reason.empty(), reason, worker_.clock().now());
        worker_.note_change(pool_->settings().name, state_->endpoints()[endpoint]->label(), change);
    }

    Worker& worker_;
    std::shared_ptr<upstream::Pool> pool_;
    std::shared_ptr<route::UpstreamState> state_;
    Secret request_;
    net::Deadline deadline_;
    net::Wakeup wakeup_;
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
            (*same)->tell(target.state);
            wanted.push_back(std::exchange(*same, nullptr));
            continue;
        }
        wanted.push_back(std::make_shared<Check>(worker_, target));
        net::spawn(worker_.context(), Check::run(wanted.back()), "health check");
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

}  // namespace sluicegate::gateway
