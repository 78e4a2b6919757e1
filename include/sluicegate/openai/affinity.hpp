#pragma once
/// Which requests are likely to share their beginning in a server's cache of keys and values.
///
/// Threads  pure function.

#include "sluicegate/openai/inspect_request.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluicegate::openai {

/// Of the first `bytes` bytes of the conversation in `body`, the body that `inspection` is about;
/// of all of it when it is shorter. Nothing for a form, and where there is no conversation.
///
/// The next turn of a conversation has the same hash if its client writes the old messages as it
/// wrote them before and they were at least `bytes` long, without the bracket that closed them.
/// The same on every thread and in every process of one build. No secret goes into it: who wants to
/// can make requests that collide, so a bound on the load must stand beside it.
[[nodiscard]] std::optional<std::uint64_t> affinity_hash(const Inspection& inspection,
                                                         std::string_view body, std::size_t bytes);

}  // namespace sluicegate::openai
