#pragma once
/// While one lives, its thread wipes the memory that it frees.
///
/// For      work that spreads secrets over many temporaries, some of them in libraries: reading a
///          configuration, writing the fields of a request, reading an error that repeats them.
/// Works    in the binary, whose operator delete looks at it (cli/wiping_delete.cpp).
/// Limits   what outlives the scope, or is freed by another thread, is not wiped by it. Memory that
///          does not come from operator new is not either.
/// Cost     outside of a scope one look at a variable of the thread for each deletion.
/// Threads  one: it must end on the thread where it began, so it may not live over a co_await.

namespace sluicegate {

/// How many scopes the thread is in.
extern constinit thread_local int wipe_scopes;

class [[nodiscard]] WipeScope {
public:
    WipeScope() noexcept { ++wipe_scopes; }
    ~WipeScope() { --wipe_scopes; }
    WipeScope(const WipeScope&) = delete;
    WipeScope& operator=(const WipeScope&) = delete;
};

}  // namespace sluicegate
