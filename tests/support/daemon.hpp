#pragma once
/// The real binary under test: started on a configuration, listened to, signalled and ended.
///
/// Failing    a crash, a sanitizer report or a refusal to end fails the running test, in the
///            destructor at the latest, and prints the log.
/// Binary     $SLUICEGATE_BINARY, else the one of this build tree.
/// Threads    one of its own reads the log; the members belong to the test's thread, except
///            wait_for_log() and log(), which any may call.

#include "support/deadline.hpp"
#include "support/temporary_folder.hpp"

#include <nlohmann/json.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace sluicegate::support {

struct DaemonOptions {
    std::size_t listeners = 2;  ///< how many `listening` lines mean that it is ready
    std::map<std::string, std::string> environment = {};  ///< added to the test's own
    std::map<std::string, std::string> files = {};        ///< written beside the YAML: name, text
    unsigned descriptors_max = 0;             ///< RLIMIT_NOFILE; 0 leaves the test's own
    std::vector<std::string> arguments = {};  ///< more of `serve`
    std::string core_folder = {};  ///< it runs there, and the system allows a core of any size
};

class Daemon {
public:
    /// Starts it and waits until it listens.
    explicit Daemon(std::string_view yaml, DaemonOptions options = {});
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// The port of the nth listener of that role: "client", "client_tls" or "admin".
    [[nodiscard]] std::uint16_t port(std::string_view role = "client", std::size_t nth = 0) const;

    /// SIGTERM, SIGINT, SIGKILL and SIGABRT are then no surprise.
    void signal(int number);
    /// Replaces the YAML; a reload still needs SIGHUP.
    void rewrite(std::string_view yaml) const;
    /// Writes a file whose name is relative to the folder of the YAML.
    void write_beside_config(std::string_view name, std::string_view text) const;
    /// Replaces the YAML, sends SIGHUP and waits until the daemon has logged how it went.
    /// Returns that line.
    nlohmann::json reload(std::string_view yaml);

    /// The first line at or after `from` for which the predicate holds; nothing when the deadline
    /// passed.
    [[nodiscard]] std::optional<nlohmann::json> wait_for_log(
        const std::function<bool(const nlohmann::json&)>& predicate, std::size_t from = 0,
        Deadline deadline = Deadline()) const;
    [[nodiscard]] std::optional<nlohmann::json> wait_for_event(
        std::string_view event, std::size_t from = 0, Deadline deadline = Deadline()) const;
    /// Lines so far: where a later wait may start.
    [[nodiscard]] std::size_t log_size() const;
    /// Everything it wrote, on both streams.
    [[nodiscard]] std::string log() const;

    /// From now on nothing reads what it writes: after some 4 KiB its writes block. Until its end.
    void stop_reading_log();

    /// Waits for its end; the exit status, or nothing when the deadline passed.
    [[nodiscard]] std::optional<int> wait_for_exit(Deadline deadline = Deadline());
    [[nodiscard]] bool is_running() const;

    /// Resident memory.
    [[nodiscard]] std::size_t resident_bytes() const;
    [[nodiscard]] std::size_t open_descriptors() const;
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] std::string config_file() const;

private:
    void start(const std::vector<std::string>& arguments, const DaemonOptions& options);
    void read_log(int descriptor);
    void check_end();

    TemporaryFolder folder_;
    pid_t pid_ = -1;
    mutable std::mutex exit_mutex_;  // several threads of a test may ask
    mutable std::optional<int> wait_status_;
    bool was_told_to_end_ = false;
    bool was_told_to_die_ = false;  // by SIGKILL or SIGABRT
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<std::string> lines_;
    bool is_log_over_ = false;
    bool is_reading_ = true;
    int output_ = -1;  ///< the reading end of its log
    std::thread reader_;
};

/// Runs the binary to its end with these arguments: exit status and both outputs together.
struct CommandResult {
    int status = -1;
    std::string output;
};
CommandResult run_binary(const std::vector<std::string>& arguments, std::string_view input = {});

}  // namespace sluicegate::support
