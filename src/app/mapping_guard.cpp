#include "app/mapping_guard.hpp"

#include <atomic>
#include <cerrno>
#include <mutex>
#include <sys/mman.h>
#include <utility>

namespace sluicegate::app {

/// Read by the signal handler: memory that always exists, and nothing but atomics.
struct MappingGuard::Range {
    std::atomic<bool> is_taken{false};
    std::atomic<std::uintptr_t> from{0};  ///< 0: guards nothing
    std::atomic<std::size_t> size_bytes{0};
    std::atomic<bool> has_failed{false};
};

constinit std::array<MappingGuard::Range, MappingGuard::guards_max> MappingGuard::ranges_{};

namespace {

/// What SIGBUS did before.
struct sigaction action_before{};

void let_handle_bus_errors(void (*handler)(int, siginfo_t*, void*)) noexcept {
    static std::once_flag once;
    std::call_once(once, [handler] {
        struct sigaction action{};
        action.sa_sigaction = handler;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        ::sigemptyset(&action.sa_mask);
        ::sigaction(SIGBUS, &action, &action_before);
    });
}

}  // namespace

MappingGuard::Range* MappingGuard::find(std::uintptr_t address) noexcept {
    for (Range& range : ranges_) {
        const std::uintptr_t from = range.from.load();
        if (from != 0 && address - from < range.size_bytes.load()) return &range;
    }
    return nullptr;
}

/// Runs on the thread whose store failed, and calls only what a signal handler may call.
void MappingGuard::on_bus_error(int signal, siginfo_t* info, void*) {
    const int errno_before = errno;
    const bool is_fault = info->si_code > 0;
    Range* const range = is_fault ? find(reinterpret_cast<std::uintptr_t>(info->si_addr)) : nullptr;
    bool is_mended = false;
    if (range != nullptr) {
        // An atomic number, because a handler may read nothing else.
        // NOLINTNEXTLINE(performance-no-int-to-ptr)
        auto* const from = reinterpret_cast<void*>(range->from.load());
        is_mended = ::mmap(from, range->size_bytes.load(), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
        // Only after the mapping: its owner forgets a failure before it maps the next file.
        range->has_failed.store(true);
    }
    if (!is_mended) {
        ::sigaction(signal, &action_before, nullptr);
        if (!is_fault) ::raise(signal);  // a fault comes again by itself
    }
    errno = errno_before;
}

MappingGuard::MappingGuard(void* from, std::size_t size_bytes) noexcept {
    let_handle_bus_errors(&on_bus_error);
    for (Range& range : ranges_) {
        if (range.is_taken.exchange(true)) continue;
        range.has_failed.store(false);
        range.size_bytes.store(size_bytes);
        range.from.store(reinterpret_cast<std::uintptr_t>(from));
        range_ = &range;
        return;
    }
}

MappingGuard::MappingGuard(MappingGuard&& other) noexcept
    : range_(std::exchange(other.range_, nullptr)) {
}

MappingGuard::~MappingGuard() {
    if (range_ == nullptr) return;
    range_->from.store(0);
    range_->is_taken.store(false);
}

bool MappingGuard::has_failed() const noexcept {
    return range_ != nullptr && range_->has_failed.load();
}

void MappingGuard::forget() noexcept {
    if (range_ != nullptr) range_->has_failed.store(false);
}

}  // namespace sluicegate::app
