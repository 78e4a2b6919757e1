#pragma once
/// A hash of the beginning of a conversation, to send requests that share it to the same server:
/// that server may still have the prefix in its KV cache.
///
/// Threads  pure function.

#include "sluicegate/openai/inspect_request.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluicegate::openai {

/// Hashes the first `bytes` bytes of the conversation in `body`, or all of a shorter one.
/// `inspection` must be that of `body`. Returns nothing for a form and for a body without a
/// conversation.
///
/// The next turn of a conversation has the same hash if two things hold: its client writes the old
/// messages as before, and they were at least `bytes` long without their closing bracket. The hash
/// is the same on every thread and in every process of one build. It holds no secret, so clients
/// can make requests that collide: the caller must also bound the load of a server.
[[nodiscard]] std::optional<std::uint64_t> affinity_hash(const Inspection& inspection,
                                                         std::string_view body, std::size_t bytes);

}  // namespace sluicegate::openai
