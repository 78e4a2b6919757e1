#pragma once
/// Ends the process where a promise does not hold, and says which one: a fuzzer keeps the input.

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace sluicegate::fuzz {

inline void require(bool holds, const char* promise,
                    const std::source_location& where = std::source_location::current()) {
    if (holds) return;
    std::fprintf(stderr, "%s:%u: broken: %s\n", where.file_name(),
                 static_cast<unsigned>(where.line()), promise);
    std::abort();
}

}  // namespace sluicegate::fuzz
