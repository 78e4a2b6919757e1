#pragma once
/// What the program does for each subcommand; the result is the exit code.

#include <optional>
#include <string>

namespace sluicegate::cli {

/// docs/operations.md, "Exit codes".
enum ExitCode : int {
    exit_success = 0,
    exit_failure = 1,        ///< something went wrong while running: an address in use, say
    exit_usage = 2,          ///< the command line makes no sense
    exit_configuration = 3,  ///< the configuration has problems; they are on standard error
};

int serve(const std::string& file);
/// `running`: the file of a running daemon; what a reload would change is then printed.
int check(const std::string& file, const std::optional<std::string>& running);
struct ExplainOptions {
    std::string file;
    std::string user;
    std::string model;
    bool json = false;  ///< for programs
};
/// Prints the limits in force for a user and a model, and which entry of the file set each.
int explain(const ExplainOptions& options);
int key_new(const std::string& user, const std::string& id);
int key_hash();
/// Asks /livez of the admin port that the configuration names.
int healthcheck(const std::string& file);

}  // namespace sluicegate::cli
