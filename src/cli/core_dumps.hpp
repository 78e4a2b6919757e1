#pragma once
/// Whether a crash may leave a core file. A core holds the keys of clients and providers.

namespace sluicegate::cli {

/// Also decides whether other processes of the same user may attach a debugger or read
/// /proc/PID/mem.
/// Source  prctl(2), PR_SET_DUMPABLE.
void allow_core_dumps(bool is_allowed) noexcept;

}  // namespace sluicegate::cli
