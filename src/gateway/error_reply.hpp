#pragma once
/// Every failure as a client sees it: one row for each ErrorKind.

#include "sluicegate/openai/api_error.hpp"

#include "gateway/request.hpp"

#include <string_view>

namespace sluicegate::gateway {

struct ReplyRow {
    ErrorKind kind;
    unsigned status;
    std::string_view type;
    std::string_view code;
    /// "%" stands for the error's subject.
    std::string_view message;
    /// False: `x-should-retry: false`, because the same request would fail again.
    bool may_sdk_retry;
    /// Where the next message would start is unknown, or nobody should wait here.
    bool must_close;
};

[[nodiscard]] const ReplyRow& reply_row(ErrorKind kind) noexcept;

/// The four fields of the JSON body.
[[nodiscard]] openai::ApiError api_error_of(const Error& error);

}  // namespace sluicegate::gateway
