#pragma once
/// The search for the blank line that ends a head, for requests and responses.

#include "http/flaw.hpp"

#include <cstddef>
#include <string_view>

namespace sluicegate::http {

struct HeadScan {
    std::size_t size = 0;  ///< 0 while the blank line is missing
    MaybeFlaw flaw;
};

/// Searches for the blank line and for bytes that no head may contain. The start line begins at
/// `start` and is not empty; the bytes before `searched` were found clean and without a blank line.
[[nodiscard]] HeadScan scan_head(std::string_view bytes, std::size_t start, std::size_t searched);

}  // namespace sluicegate::http
