#pragma once
/// One function for each subcommand. Its result is the exit code.

#include "sluicegate/config/append_key.hpp"

#include <optional>
#include <string>

namespace sluicegate::cli {

/// docs/operations.md, "Exit codes".
enum ExitCode : int {
    exit_success = 0,
    exit_failure = 1,        ///< a failure at run time, such as an address in use
    exit_usage = 2,          ///< wrong command line
    exit_configuration = 3,  ///< the configuration has problems; they are on standard error
};

int serve(const std::string& file);
struct CheckOptions {
    std::string file;
    /// The file of a running daemon, or the URL of its admin port. If it is given, the changes of a
    /// reload are printed.
    std::optional<std::string> running;
    bool is_strict = false;  ///< warnings are mistakes
};
int check(const CheckOptions& options);
/// Prints the configuration as it takes effect.
int config_show(const std::string& file);
struct ExplainOptions {
    std::string file;
    std::string user;
    std::string model;
    bool json = false;  ///< JSON output
};
/// Prints the limits of a user on a model, and the entry of the file that sets each.
int explain(const ExplainOptions& options);
struct NewKeyOptions {
    config::KeyEntry entry{.user = {}, .id = "default", .sha256 = {}, .models = {}};
    std::string file;  ///< to which it is added; "": the line is printed
};
int key_new(const NewKeyOptions& options);
/// Prints user, id, end and models of each key, and no digest.
int key_list(const std::string& file);
int key_hash();
/// Requests /livez from the admin port of the configuration.
int healthcheck(const std::string& file);

}  // namespace sluicegate::cli
