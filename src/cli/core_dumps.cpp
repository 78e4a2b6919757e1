#include "cli/core_dumps.hpp"

#include <sys/prctl.h>

namespace sluicegate::cli {

void allow_core_dumps(bool is_allowed) noexcept {
    ::prctl(PR_SET_DUMPABLE, is_allowed ? 1L : 0L, 0L, 0L, 0L);
}

}  // namespace sluicegate::cli
