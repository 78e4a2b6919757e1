#include "support/stopped_thread.hpp"

#include "support/eventually.hpp"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <utility>

namespace sluicegate::support {
namespace {

/// 0: none is called that.
pid_t look_for_thread(pid_t process, std::string_view name) {
    const std::string tasks = "/proc/" + std::to_string(process) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
        std::ifstream file(task.path() / "comm");
        std::string found;
        std::getline(file, found);
        if (found == name) return static_cast<pid_t>(std::stol(task.path().filename()));
    }
    return 0;
}

/// A thread that has just begun may not have its name yet.
pid_t find_thread(pid_t process, std::string_view name) {
    if (name.empty()) return process;
    pid_t found = 0;
    if (!eventually([&] { return (found = look_for_thread(process, name)) != 0; })) {
        throw std::runtime_error("no thread is called " + std::string(name));
    }
    return found;
}

}  // namespace

StoppedThread::StoppedThread(pid_t process, std::string_view name) {
    const pid_t thread = find_thread(process, name);
    std::promise<bool> stopped;
    std::future<bool> is_stopped = stopped.get_future();
    tracer_ = std::thread([this, process, thread, told = std::move(stopped)]() mutable {
        hold(process, thread, std::move(told));
    });
    is_stopped_ = is_stopped.get();
}

StoppedThread::~StoppedThread() {
    should_release_ = true;
    tracer_.join();
}

void StoppedThread::hold(pid_t process, pid_t thread, std::promise<bool> stopped) {
    int status = 0;
    if (::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) {
        stopped.set_value(false);
        return;
    }
    ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
    stopped.set_value(::waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status));
    while (!should_release_) {
        // A process that ends takes the thread along, and its parent learns of it only after this.
        // The end of the main thread is the end of the process: that is for its parent alone.
        if (thread != process && ::waitpid(thread, &status, __WALL | WNOHANG) != 0) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ::ptrace(PTRACE_DETACH, thread, nullptr, nullptr);
}

}  // namespace sluicegate::support
