#include "sluicegate/provider/final_error.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluicegate::provider {
namespace {

using namespace std::chrono_literals;

Error error_of(ErrorKind kind, Milliseconds wait = 0ms) {
    return {.kind = kind, .detail = std::string(name_of(kind)), .subject = {}, .retry_after = wait};
}

TEST(FinalError, IsTheOneThatHelpsTheClientMost) {
    struct Row {
        std::string name;
        std::vector<Error> noted;
        Untried untried;
        ErrorKind kind;
        Milliseconds wait;
    };
    const std::vector<Row> rows{
        {"the only one",
         {error_of(ErrorKind::upstream_closed)},
         {},
         ErrorKind::upstream_closed,
         0ms},
        {"overload before what broke",
         {error_of(ErrorKind::upstream_failed), error_of(ErrorKind::upstream_overloaded, 2s)},
         {},
         ErrorKind::upstream_overloaded,
         2s},
        {"in either order",
         {error_of(ErrorKind::upstream_overloaded, 2s), error_of(ErrorKind::upstream_failed)},
         {},
         ErrorKind::upstream_overloaded,
         2s},
        {"what broke before what took too long",
         {error_of(ErrorKind::upstream_timeout), error_of(ErrorKind::upstream_unreachable)},
         {},
         ErrorKind::upstream_unreachable,
         0ms},
        {"a connection that took too long before an answer that did",
         {error_of(ErrorKind::upstream_idle_timeout),
          error_of(ErrorKind::upstream_connect_timeout)},
         {},
         ErrorKind::upstream_connect_timeout,
         0ms},
        {"our credential last",
         {error_of(ErrorKind::upstream_auth), error_of(ErrorKind::upstream_timeout)},
         {},
         ErrorKind::upstream_timeout,
         0ms},
        {"the first of equals",
         {error_of(ErrorKind::upstream_closed), error_of(ErrorKind::upstream_failed)},
         {},
         ErrorKind::upstream_closed,
         0ms},
        {"a quota before everything",
         {error_of(ErrorKind::upstream_rate_limited, 9s),
          error_of(ErrorKind::upstream_overloaded, 1s)},
         {},
         ErrorKind::upstream_rate_limited,
         9s},
        {"the shortest wait of those",
         {error_of(ErrorKind::upstream_rate_limited, 9s),
          error_of(ErrorKind::upstream_rate_limited, 3s),
          error_of(ErrorKind::upstream_rate_limited, 5s)},
         {},
         ErrorKind::upstream_rate_limited,
         3s},
        {"of those not tried, too",
         {error_of(ErrorKind::upstream_rate_limited, 9s)},
         {.quota_wait = 2s},
         ErrorKind::upstream_rate_limited,
         2s},
        {"unless it is longer",
         {error_of(ErrorKind::upstream_rate_limited, 1s)},
         {.quota_wait = 2s},
         ErrorKind::upstream_rate_limited,
         1s},
        {"even where something broke",
         {error_of(ErrorKind::upstream_unreachable)},
         {.quota_wait = 2s},
         ErrorKind::upstream_rate_limited,
         2s},
        {"a quota that nobody waits for, after what may be gone in a moment",
         {error_of(ErrorKind::upstream_closed)},
         {.quota_wait = 1h},
         ErrorKind::upstream_closed,
         0ms},
        {"but before what took too long",
         {error_of(ErrorKind::upstream_timeout)},
         {.quota_wait = 1h},
         ErrorKind::upstream_rate_limited,
         1h},
        {"a place is free before a quota",
         {},
         {.quota_wait = 1h, .is_full = true},
         ErrorKind::upstream_rate_limited,
         1s},
        {"even after a 429",
         {error_of(ErrorKind::upstream_rate_limited, 9s)},
         {.is_full = true},
         ErrorKind::upstream_rate_limited,
         1s},
        {"nothing tried for the quota's sake",
         {},
         {.quota_wait = 7ms},
         ErrorKind::upstream_rate_limited,
         7ms},
        {"nothing tried", {}, {}, ErrorKind::no_upstream, 0ms},
        {"nothing tried, all full", {}, {.is_full = true}, ErrorKind::no_upstream, 0ms},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        FinalError final_error;
        for (const Error& error : row.noted) final_error.note(Error(error));
        const Error told = std::move(final_error).take(row.untried);
        EXPECT_EQ(told.kind, row.kind) << name_of(told.kind);
        EXPECT_EQ(told.retry_after, row.wait);
    }
}

TEST(FinalError, NamesEverythingThatWentWrong) {
    FinalError final_error;
    final_error.note(error_of(ErrorKind::upstream_timeout));
    final_error.note(error_of(ErrorKind::upstream_closed));
    const Error told = std::move(final_error).take({.quota_wait = 1500ms});
    EXPECT_EQ(told.detail, "upstream_timeout; upstream_closed; cooling down for 1500 ms");
}

}  // namespace
}  // namespace sluicegate::provider
