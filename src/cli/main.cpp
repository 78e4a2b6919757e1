/// The command line: see docs/operations.md.

#include "sluicegate/config/nearest.hpp"

#include "cli/command_pages.hpp"
#include "cli/commands.hpp"
#include "cli/core_dumps.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// False for a word that is no sub-command, which is reported with the nearest one.
bool knows(const CLI::App& program, const std::string& word) {
    if (word.starts_with('-')) return true;
    std::vector<std::string> names;
    for (const CLI::App* one : program.get_subcommands(nullptr)) names.push_back(one->get_name());
    if (std::ranges::find(names, word) != names.end()) return true;
    const std::vector<std::string_view> known(names.begin(), names.end());
    std::fprintf(stderr, "%s: no such sub-command, got %s%s\n", program.get_name().c_str(),
                 word.c_str(), sluicegate::config::did_you_mean(word, known).c_str());
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace sluicegate;
    cli::allow_core_dumps(false);

    CLI::App program("A rate-limiting gateway between OpenAI SDK clients and the models they call.",
                     "sluicegate");
    program.require_subcommand(1);
    program.set_version_flag("--version", "sluicegate " SLUICEGATE_VERSION);
    int exit_code = cli::exit_success;
    std::string file;

    CLI::App* serve = program.add_subcommand("serve", "Run the gateway in the foreground");
    serve->add_option("--config", file, "The YAML file")->required();
    bool allows_core_dumps = false;
    serve->add_flag("--core-dumps", allows_core_dumps,
                    "Allow core files and debuggers; a core file holds keys");
    serve->callback([&] {
        cli::allow_core_dumps(allows_core_dumps);
        exit_code = cli::serve(file);
    });

    CLI::App* check =
        program.add_subcommand("check", "Check a configuration and print every problem");
    cli::CheckOptions checked;
    check->add_option("file", checked.file, "The YAML file")->required();
    check->add_flag("--strict", checked.is_strict, "Take warnings for mistakes");
    check->add_option(
        "--against", checked.running,
        "The file of a running daemon, or the URL of its admin port: print what a reload "
        "would change");
    check->callback([&] { exit_code = cli::check(checked); });

    cli::ExplainOptions explained;
    CLI::App* explain = program.add_subcommand(
        "explain", "Print the limits of a user on a model, and where each comes from");
    explain->add_option("--config", explained.file, "The YAML file")->required();
    explain->add_option("--user", explained.user, "The user's name")->required();
    explain->add_option("--model", explained.model, "The model's name")->required();
    explain->add_flag("--json", explained.json, "For programs");
    explain->callback([&] { exit_code = cli::explain(explained); });

    CLI::App* config = program.add_subcommand("config", "Look at a configuration");
    config->require_subcommand(1);
    CLI::App* config_show = config->add_subcommand(
        "show", "Print it as it takes effect: all files, with defaults, and without secrets");
    config_show->add_option("file", file, "The YAML file")->required();
    config_show->callback([&] { exit_code = cli::config_show(file); });

    CLI::App* key = program.add_subcommand("key", "Make, list and hash API keys");
    key->require_subcommand(1);
    cli::NewKeyOptions made;
    CLI::App* key_new = key->add_subcommand("new", "Print a new key, once, and its YAML line");
    key_new->add_option("--user", made.entry.user, "Whose key it will be")->required();
    key_new->add_option("--id", made.entry.id, "Name of the key in logs")->capture_default_str();
    key_new->add_option("--expires", made.entry.expires,
                        "The day or time from which on it is refused: 2027-01-01");
    key_new->add_option("--models", made.entry.models, "The only models that it may use: A,B")
        ->delimiter(',');
    key_new->add_option("--append-to", made.file,
                        "Add it to the users of this YAML file; prints the key alone");
    key_new->callback([&] { exit_code = cli::key_new(made); });
    CLI::App* key_list = key->add_subcommand("list", "Print the keys of a configuration");
    key_list->add_option("file", file, "The YAML file")->required();
    key_list->callback([&] { exit_code = cli::key_list(file); });
    CLI::App* key_hash =
        key->add_subcommand("hash", "Read a key from standard input, print its hash");
    key_hash->callback([&] { exit_code = cli::key_hash(); });

    CLI::App* health = program.add_subcommand(
        "healthcheck", "Ask the admin port of a running daemon whether it is alive");
    health->add_option("--config", file, "The YAML file of the daemon")->required();
    health->callback([&] { exit_code = cli::healthcheck(file); });

    std::string shell;
    CLI::App* completion =
        program.add_subcommand("completion", "Print the completions for a shell");
    completion->add_option("shell", shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    completion->callback([&] { std::fputs(cli::completion(program, shell).c_str(), stdout); });
    CLI::App* man = program.add_subcommand("man", "Print the manual page");
    man->callback([&] { std::fputs(cli::manual_page(program).c_str(), stdout); });

    CLI::App* version = program.add_subcommand("version", "Print the version");
    version->callback([] { std::printf("sluicegate %s\n", SLUICEGATE_VERSION); });

    if (argc > 1 && !knows(program, argv[1])) return cli::exit_usage;
    for (const CLI::App* group : {key, config}) {
        if (argc > 2 && argv[1] == group->get_name() && !knows(*group, argv[2])) {
            return cli::exit_usage;
        }
    }
    try {
        program.parse(argc, argv);
    } catch (const CLI::Success& help) {
        return program.exit(help);
    } catch (const CLI::ParseError& error) {
        program.exit(error);
        return cli::exit_usage;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "sluicegate: %s\n", error.what());
        return cli::exit_failure;
    }
    return exit_code;
}
