#include "cli/command_pages.hpp"

#include <algorithm>
#include <vector>

namespace sluicegate::cli {
namespace {

struct Command {
    std::string words;  ///< "key new"; "" for the program
    const CLI::App* app;
};

std::vector<const CLI::App*> members_of(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App*) { return true; });
}

void collect(const std::string& words, const CLI::App& app, std::vector<Command>& into) {
    into.push_back({words, &app});
    for (const CLI::App* member : members_of(app)) {
        collect(words.empty() ? member->get_name() : words + ' ' + member->get_name(), *member,
                into);
    }
}

std::vector<Command> commands_of(const CLI::App& program) {
    std::vector<Command> commands;
    collect("", program, commands);
    return commands;
}

bool takes_value(const CLI::Option& option) {
    return option.get_items_expected_max() > 0;
}

std::vector<const CLI::Option*> flags_of(const CLI::App& app) {
    return app.get_options([](const CLI::Option* option) { return option->nonpositional(); });
}

/// In single quotes, for all three shells.
std::string in_quotes(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

/// `'key'|'key new'`: a pattern that only a command fits.
std::string pattern_of_commands(const std::vector<Command>& commands) {
    std::string pattern;
    for (const Command& one : commands) {
        if (one.words.empty()) continue;
        if (!pattern.empty()) pattern += '|';
        pattern += in_quotes(one.words);
    }
    return pattern;
}

/// `'--config'|'--user'`: the options with a value behind them.
std::string pattern_of_values(const std::vector<Command>& commands) {
    std::vector<std::string> names;
    for (const Command& one : commands) {
        for (const CLI::Option* option : flags_of(*one.app)) {
            if (takes_value(*option)) names.push_back(in_quotes("--" + option->get_lnames()[0]));
        }
    }
    std::ranges::sort(names);
    const auto twice = std::ranges::unique(names);
    names.erase(twice.begin(), twice.end());
    std::string pattern;
    for (const std::string& name : names) pattern += (pattern.empty() ? "" : "|") + name;
    return pattern;
}

/// Files complete where a value or a file stands, so flags are offered behind a "-" alone.
std::string bash_completion(const std::vector<Command>& commands) {
    std::string text =
        "_sluicegate() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} found='' names='' flags='' longer i\n"
        "    COMPREPLY=()\n"
        "    case ${COMP_WORDS[COMP_CWORD - 1]} in\n"
        "        " +
        pattern_of_values(commands) +
        ") return ;;\n"
        "    esac\n"
        "    for ((i = 1; i < COMP_CWORD; ++i)); do\n"
        "        longer=${found:+$found }${COMP_WORDS[i]}\n"
        "        case $longer in\n"
        "            " +
        pattern_of_commands(commands) +
        ") found=$longer ;;\n"
        "        esac\n"
        "    done\n"
        "    case $found in\n";
    for (const Command& one : commands) {
        text += "        " + in_quotes(one.words) + ") names='";
        for (const CLI::App* member : members_of(*one.app)) text += member->get_name() + ' ';
        text += "' flags='";
        for (const CLI::Option* flag : flags_of(*one.app)) {
            text += "--" + flag->get_lnames()[0] + ' ';
        }
        text += "' ;;\n";
    }
    return text +
           "    esac\n"
           "    [[ $word != -* ]] || names=$flags\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$names\" -- \"$word\")\n"
           "}\n"
           "complete -o default -F _sluicegate sluicegate\n";
}

std::string zsh_completion(const std::vector<Command>& commands) {
    std::string text =
        "#compdef sluicegate\n"
        "local found='' longer i\n"
        "local -a names flags\n"
        "case ${words[CURRENT - 1]} in\n"
        "    (" +
        pattern_of_values(commands) +
        ") _files; return ;;\n"
        "esac\n"
        "for ((i = 2; i < CURRENT; ++i)); do\n"
        "    longer=${found:+$found }${words[i]}\n"
        "    case $longer in\n"
        "        (" +
        pattern_of_commands(commands) +
        ") found=$longer ;;\n"
        "    esac\n"
        "done\n"
        "case $found in\n";
    for (const Command& one : commands) {
        text += "    (" + in_quotes(one.words) + ")\n        names=(";
        for (const CLI::App* member : members_of(*one.app)) {
            text += in_quotes(member->get_name() + ':' + member->get_description()) + ' ';
        }
        text += ")\n        flags=(";
        for (const CLI::Option* flag : flags_of(*one.app)) {
            text += in_quotes("--" + flag->get_lnames()[0] + ':' + flag->get_description()) + ' ';
        }
        text += ") ;;\n";
    }
    return text +
           "esac\n"
           "if [[ ${words[CURRENT]} == -* ]]; then\n"
           "    _describe -o option flags\n"
           "elif (( $#names )); then\n"
           "    _describe command names\n"
           "else\n"
           "    _files\n"
           "fi\n";
}

/// The condition of fish that these words are typed, and none of the sub-commands behind them.
std::string fish_condition(const Command& command) {
    std::string text;
    for (std::size_t at = 0; at < command.words.size();) {
        const std::size_t end = std::min(command.words.find(' ', at), command.words.size());
        if (!text.empty()) text += "; and ";
        text += "__fish_seen_subcommand_from " + command.words.substr(at, end - at);
        at = end + 1;
    }
    if (command.words.empty()) return "__fish_use_subcommand";
    const auto members = members_of(*command.app);
    if (members.empty()) return text;
    text += "; and not __fish_seen_subcommand_from";
    for (const CLI::App* member : members) text += ' ' + member->get_name();
    return text;
}

std::string fish_completion(const std::vector<Command>& commands) {
    std::string text;
    for (const Command& one : commands) {
        const std::string start =
            "complete -c sluicegate -n " + in_quotes(fish_condition(one)) + ' ';
        for (const CLI::App* member : members_of(*one.app)) {
            text += start + "-f -a " + member->get_name() + " -d " +
                    in_quotes(member->get_description()) + '\n';
        }
        for (const CLI::Option* flag : flags_of(*one.app)) {
            text += start + "-l " + flag->get_lnames()[0] + (takes_value(*flag) ? " -r" : "") +
                    " -d " + in_quotes(flag->get_description()) + '\n';
        }
    }
    return text;
}

/// Text that roff takes as it is.
std::string roff(std::string_view text) {
    std::string out;
    if (text.starts_with('.') || text.starts_with('\'')) out = "\\&";
    for (const char c : text) {
        if (c == '\\') {
            out += "\\e";
        } else if (c == '-') {
            out += "\\-";
        } else {
            out += c;
        }
    }
    return out;
}

std::string roff_option(const CLI::Option& option) {
    std::string text = ".TP\n";
    if (!option.nonpositional()) {
        text += "\\fI" + roff(option.get_single_name()) + "\\fR\n";
    } else {
        text += "\\fB" + roff("--" + option.get_lnames()[0]) + "\\fR";
        text += takes_value(option) ? " \\fIVALUE\\fR\n" : "\n";
    }
    return text + roff(option.get_description()) +
           (option.get_required() ? " (required).\n" : ".\n");
}

}  // namespace

std::string completion(const CLI::App& program, std::string_view shell) {
    const std::vector<Command> commands = commands_of(program);
    if (shell == "bash") return bash_completion(commands);
    return shell == "zsh" ? zsh_completion(commands) : fish_completion(commands);
}

std::string manual_page(const CLI::App& program) {
    std::string text = ".TH SLUICEGATE 1 \"\" \"sluicegate " SLUICEGATE_VERSION
                       "\" \"User Commands\"\n"
                       ".SH NAME\nsluicegate \\- rate\\-limiting gateway for OpenAI clients\n"
                       ".SH SYNOPSIS\n\\fBsluicegate\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n"
                       ".SH DESCRIPTION\n" +
                       roff(program.get_description()) + "\n.SH COMMANDS\n";
    for (const Command& one : commands_of(program)) {
        // A command that has others does nothing itself.
        if (!members_of(*one.app).empty()) continue;
        text +=
            ".SS sluicegate " + roff(one.words) + '\n' + roff(one.app->get_description()) + ".\n";
        for (const CLI::Option* option : one.app->get_options()) {
            if (option != one.app->get_help_ptr()) text += roff_option(*option);
        }
    }
    text += ".SH OPTIONS\n";
    for (const CLI::Option* option : program.get_options()) text += roff_option(*option);
    return text +
           ".SH EXIT STATUS\n"
           ".TP\n0\nDone.\n"
           ".TP\n1\nA failure at run time.\n"
           ".TP\n2\nThe command line is wrong.\n"
           ".TP\n3\nThe configuration has mistakes; they are on standard error.\n"
           ".SH SIGNALS\n"
           "SIGHUP reloads the configuration. SIGTERM and SIGINT drain and end.\n";
}

}  // namespace sluicegate::cli
