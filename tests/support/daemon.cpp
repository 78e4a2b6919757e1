#include "support/daemon.hpp"

#include "support/paths.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluicegate::support {
namespace {

std::string binary_path() {
    const char* const chosen = std::getenv("SLUICEGATE_BINARY");
    return chosen != nullptr ? chosen : built_binary().string();
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
    std::vector<std::string> out;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        if (!added.contains(text.substr(0, text.find('=')))) out.push_back(text);
    }
    for (const auto& [name, value] : added) out.emplace_back(name).append("=").append(value);
    return out;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (std::string& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
}

struct Child {
    pid_t pid = -1;
    int output = -1;  ///< standard output and error
    int input = -1;
};

/// The child dies with this process, so that a killed test leaves no daemon behind.
Child spawn(std::vector<std::string> arguments, const DaemonOptions& options) {
    arguments.insert(arguments.begin(), binary_path());
    std::vector<std::string> environment = environment_with(options.environment);
    const std::vector<char*> argument_pointers = pointers_to(arguments);
    const std::vector<char*> environment_pointers = pointers_to(environment);
    std::array<int, 2> out{};
    std::array<int, 2> in{};
    if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(in.data(), O_CLOEXEC) != 0) {
        throw std::runtime_error("pipe2");
    }
    const pid_t pid = ::fork();
    if (pid < 0) throw std::runtime_error("fork");
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        // The tests ignore it; whether the daemon survives it is the daemon's affair.
        ::signal(SIGPIPE, SIG_DFL);
        if (options.descriptors_max > 0) {
            const rlimit limit{.rlim_cur = options.descriptors_max,
                               .rlim_max = options.descriptors_max};
            ::setrlimit(RLIMIT_NOFILE, &limit);
        }
        if (!options.core_folder.empty()) {
            const rlimit limit{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
            ::setrlimit(RLIMIT_CORE, &limit);
            if (::chdir(options.core_folder.c_str()) != 0) ::_exit(126);
        }
        ::dup2(in[0], STDIN_FILENO);
        ::dup2(out[1], STDOUT_FILENO);
        ::dup2(out[1], STDERR_FILENO);
        ::execve(argument_pointers[0], argument_pointers.data(), environment_pointers.data());
        ::_exit(127);
    }
    ::close(out[1]);
    ::close(in[0]);
    return {.pid = pid, .output = out[0], .input = in[1]};
}

bool looks_like_a_sanitizer_report(std::string_view log) {
    return log.find("Sanitizer") != std::string_view::npos ||
           log.find("runtime error:") != std::string_view::npos;
}

}  // namespace

Daemon::Daemon(std::string_view yaml, DaemonOptions options) {
    for (const auto& [name, text] : options.files) folder_.write(name, text);
    folder_.write("sluicegate.yaml", yaml);
    std::vector<std::string> arguments{"serve", "--config", config_file()};
    arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
    // Only root may read /proc/PID/fd of a process that makes no core.
    if (::geteuid() != 0 && options.core_folder.empty()) arguments.emplace_back("--core-dumps");
    start(arguments, options);
    std::unique_lock lock(mutex_);
    const Deadline deadline;
    const bool is_ready = changed_.wait_until(lock, deadline.at(), [&] {
        const auto listening = std::count_if(lines_.begin(), lines_.end(), [](const auto& text) {
            const nlohmann::json line = nlohmann::json::parse(text, nullptr, false);
            return line.is_object() && line.value("event", "") == "listening";
        });
        return is_log_over_ || static_cast<std::size_t>(listening) >= options.listeners;
    });
    if (!is_ready || is_log_over_) {
        lock.unlock();
        const std::string text = log();
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        reader_.join();
        throw std::runtime_error("the daemon did not start; its log:\n" + text);
    }
}

void Daemon::start(const std::vector<std::string>& arguments, const DaemonOptions& options) {
    const Child child = spawn(arguments, options);
    ::close(child.input);
    pid_ = child.pid;
    output_ = child.output;
    reader_ = std::thread([this, output = child.output] { read_log(output); });
}

void Daemon::read_log(int descriptor) {
    std::string partial;
    std::array<char, 65536> buffer;
    for (;;) {
        const ssize_t size = ::read(descriptor, buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) break;
        partial.append(buffer.data(), static_cast<std::size_t>(size));
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return is_reading_; });
        for (std::size_t end = 0; (end = partial.find('\n')) != std::string::npos;) {
            lines_.push_back(partial.substr(0, end));
            partial.erase(0, end + 1);
        }
        changed_.notify_all();
    }
    ::close(descriptor);
    const std::scoped_lock lock(mutex_);
    if (!partial.empty()) lines_.push_back(partial);
    is_log_over_ = true;
    changed_.notify_all();
}

Daemon::~Daemon() {
    if (is_running()) {
        signal(SIGTERM);
        if (!wait_for_exit(Deadline(milliseconds(1500)))) {
            signal(SIGTERM);
            if (!wait_for_exit()) {
                ADD_FAILURE() << "the daemon did not end after two SIGTERM";
                ::kill(pid_, SIGKILL);
                ::waitpid(pid_, nullptr, 0);
            }
        }
    } else {
        static_cast<void>(wait_for_exit());
    }
    {
        const std::scoped_lock lock(mutex_);
        is_reading_ = true;
        changed_.notify_all();
    }
    reader_.join();
    check_end();
    if (testing::Test::HasFailure()) std::fprintf(stderr, "log of the daemon:\n%s", log().c_str());
}

void Daemon::check_end() {
    const auto is_expected = [this](int signal) {
        return signal == SIGTERM || (was_told_to_die_ && (signal == SIGKILL || signal == SIGABRT));
    };
    const bool was_killed =
        wait_status_ && WIFSIGNALED(*wait_status_) && !is_expected(WTERMSIG(*wait_status_));
    if (was_killed) ADD_FAILURE() << "the daemon died of signal " << WTERMSIG(*wait_status_);
    if (!was_told_to_end_) ADD_FAILURE() << "the daemon ended by itself";
    EXPECT_FALSE(looks_like_a_sanitizer_report(log())) << log();
}

std::uint16_t Daemon::port(std::string_view role, std::size_t nth) const {
    std::size_t seen = 0;
    const auto line = wait_for_log([&](const nlohmann::json& entry) {
        return entry.value("event", "") == "listening" && entry.value("role", "") == role &&
               seen++ == nth;
    });
    if (!line) throw std::runtime_error("no listener for " + std::string(role));
    const std::string address = line->at("address");
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

void Daemon::signal(int number) {
    const bool is_fatal = number == SIGKILL || number == SIGABRT;
    was_told_to_die_ = was_told_to_die_ || is_fatal;
    if (number == SIGTERM || number == SIGINT || is_fatal) was_told_to_end_ = true;
    ::kill(pid_, number);
}

void Daemon::rewrite(std::string_view yaml) const {
    folder_.write("sluicegate.yaml", yaml);
}

void Daemon::write_beside_config(std::string_view name, std::string_view text) const {
    folder_.write(std::string(name), text);
}

nlohmann::json Daemon::reload(std::string_view yaml) {
    const std::size_t from = log_size();
    rewrite(yaml);
    signal(SIGHUP);
    const auto line = wait_for_log(
        [](const nlohmann::json& entry) {
            const std::string event = entry.value("event", "");
            return event == "reloaded" || event == "reload_failed";
        },
        from);
    if (!line) throw std::runtime_error("no word of the reload in the log:\n" + log());
    return *line;
}

std::optional<nlohmann::json> Daemon::wait_for_log(
    const std::function<bool(const nlohmann::json&)>& predicate, std::size_t from,
    Deadline deadline) const {
    std::unique_lock lock(mutex_);
    std::size_t next = from;
    std::optional<nlohmann::json> found;
    const auto look = [&] {
        for (; next < lines_.size() && !found; ++next) {
            nlohmann::json line = nlohmann::json::parse(lines_[next], nullptr, false);
            if (line.is_object() && predicate(line)) found = std::move(line);
        }
        return found.has_value() || is_log_over_;
    };
    changed_.wait_until(lock, deadline.at(), look);
    return found;
}

std::optional<nlohmann::json> Daemon::wait_for_event(std::string_view event, std::size_t from,
                                                     Deadline deadline) const {
    return wait_for_log(
        [&](const nlohmann::json& line) { return line.value("event", "") == event; }, from,
        deadline);
}

std::size_t Daemon::log_size() const {
    const std::scoped_lock lock(mutex_);
    return lines_.size();
}

std::string Daemon::log() const {
    const std::scoped_lock lock(mutex_);
    std::string out;
    for (const std::string& line : lines_) out += line + "\n";
    return out;
}

void Daemon::stop_reading_log() {
    const std::scoped_lock lock(mutex_);
    is_reading_ = false;
    ::fcntl(output_, F_SETPIPE_SZ, 4096);
}

std::optional<int> Daemon::wait_for_exit(Deadline deadline) {
    while (is_running()) {
        if (deadline.has_passed()) return std::nullopt;
        std::this_thread::sleep_for(milliseconds(5));
    }
    return WIFEXITED(*wait_status_) ? WEXITSTATUS(*wait_status_) : 128 + WTERMSIG(*wait_status_);
}

bool Daemon::is_running() const {
    const std::lock_guard guard(exit_mutex_);
    int status = 0;
    if (!wait_status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) wait_status_ = status;
    return !wait_status_;
}

std::size_t Daemon::resident_bytes() const {
    std::ifstream statm("/proc/" + std::to_string(pid_) + "/statm");
    std::size_t total = 0;
    std::size_t resident = 0;
    statm >> total >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t Daemon::open_descriptors() const {
    const std::filesystem::directory_iterator entries("/proc/" + std::to_string(pid_) + "/fd");
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

std::string Daemon::config_file() const {
    return (folder_.path() / "sluicegate.yaml").string();
}

CommandResult run_binary(const std::vector<std::string>& arguments, std::string_view input) {
    const Child child = spawn(arguments, {});
    std::size_t written = 0;
    while (written < input.size()) {
        const ssize_t size = ::write(child.input, input.data() + written, input.size() - written);
        if (size <= 0) break;
        written += static_cast<std::size_t>(size);
    }
    ::close(child.input);
    CommandResult result;
    std::array<char, 4096> buffer;
    for (ssize_t size = 0; (size = ::read(child.output, buffer.data(), buffer.size())) > 0;) {
        result.output.append(buffer.data(), static_cast<std::size_t>(size));
    }
    ::close(child.output);
    int status = 0;
    ::waitpid(child.pid, &status, 0);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    EXPECT_FALSE(looks_like_a_sanitizer_report(result.output)) << result.output;
    return result;
}

}  // namespace sluicegate::support
