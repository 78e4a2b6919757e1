#include "sluicegate/config/load.hpp"
#include "sluicegate/config/nearest.hpp"

#include "cli/commands.hpp"
#include "cli/problems.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::cli {
namespace {

using nlohmann::ordered_json;

/// The data of the answer.
struct Explained {
    const config::Config& config;
    const config::User& user;
    const config::Model& model;
    config::ResolvedLimits limits;
};

/// The user or model of that name. Null if there is none, which is reported on standard error.
template <class Named>
const Named* find_named(const std::vector<Named>& list, const std::string& name,
                        const std::string& file, const char* kind) {
    const auto found =
        std::ranges::find_if(list, [&](const Named& one) { return one.name == name; });
    if (found != list.end()) return &*found;
    std::vector<std::string_view> known;
    known.reserve(list.size());
    for (const Named& one : list) known.push_back(one.name);
    std::fprintf(stderr, "%s: no such %s, got %s%s\n", file.c_str(), kind, name.c_str(),
                 config::did_you_mean(name, known).c_str());
    return nullptr;
}

/// True if `model` is off because its upstreams are off; then it prints why.
bool explain_off(const config::Config& config, const std::string& file, const std::string& model) {
    const std::string start = "model " + model + " is off: ";
    const auto note = std::ranges::find_if(
        config.notes, [&](const std::string& text) { return text.starts_with(start); });
    if (note == config.notes.end()) return false;
    std::fprintf(stderr, "%s: %s\n", file.c_str(), note->c_str());
    return true;
}

/// `user alice, gpt-4o (sluicegate.yaml:14)`
template <class T>
std::string origin_and_place(const Explained& what, const config::Resolved<T>& field) {
    return origin_text(field.origin, what.user, what.model) + " (" +
           what.config.files[field.location.file] + ':' + std::to_string(field.location.line) + ')';
}

std::string mark_of(const Explained& what, config::LimitName name, std::int64_t value) {
    if (what.limits.is_dry_run(name)) return "dry run";
    return value == 0 ? "forbidden" : "";
}

void print_row(std::string_view name, const std::string& value, const std::string& mark,
               const std::string& origin) {
    std::string line = "  " + std::string(name);
    const auto column = [&line](std::size_t at, const std::string& text) {
        if (text.empty()) return;
        line.resize(std::max(at, line.size() + 1), ' ');
        line += text;
    };
    column(15, value);
    column(27, mark);
    column(38, origin);
    std::printf("%s\n", line.c_str());
}

void print_text(const Explained& what) {
    std::printf("%s of group %s on %s\n", what.user.name.c_str(), what.user.group.c_str(),
                what.model.name.c_str());
    for (const config::LimitName name : config::limit_names) {
        const auto& field = what.limits.of(name);
        if (field) {
            print_row(name_of(name), std::to_string(field->value),
                      mark_of(what, name, field->value), origin_and_place(what, *field));
        } else {
            print_row(name_of(name), "unlimited", "", "");
        }
    }
    if (const auto& dry_run = what.limits.dry_run) {
        print_row("dry_run", dry_run_text(dry_run->value), "", origin_and_place(what, *dry_run));
    }
}

template <class T>
void add_origin(const Explained& what, const config::Resolved<T>& field, ordered_json& into) {
    into["origin"] = origin_text(field.origin, what.user, what.model);
    into["file"] = what.config.files[field.location.file];
    into["line"] = field.location.line;
}

void print_json(const Explained& what) {
    ordered_json limits;
    for (const config::LimitName name : config::limit_names) {
        ordered_json& entry = limits[std::string(name_of(name))];
        const auto& field = what.limits.of(name);
        if (!field) continue;
        entry["value"] = field->value;
        entry["dry_run"] = what.limits.is_dry_run(name);
        add_origin(what, *field, entry);
    }
    ordered_json dry_run;
    if (const auto& field = what.limits.dry_run) {
        dry_run["limits"] = ordered_json::array();
        for (const config::LimitName name : config::limit_names) {
            if (field->value.contains(name)) dry_run["limits"].push_back(name_of(name));
        }
        add_origin(what, *field, dry_run);
    }
    const ordered_json root{
        {"user", what.user.name},   {"group", what.user.group},
        {"model", what.model.name}, {"window_ms", what.config.limiter.window.count()},
        {"limits", limits},         {"dry_run", dry_run}};
    // A path may hold any bytes: bytes that are not UTF-8 are replaced.
    std::printf("%s\n", root.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
}

}  // namespace

int explain(const ExplainOptions& options) {
    const auto loaded = config::load(options.file, config::process_environment());
    if (!loaded) {
        print_problems(options.file, loaded.problems);
        return exit_configuration;
    }
    const config::Config& config = *loaded.config;
    const config::User* user = find_named(config.users, options.user, options.file, "user");
    if (explain_off(config, options.file, options.model)) return exit_usage;
    const config::Model* model = find_named(config.models, options.model, options.file, "model");
    if (user == nullptr || model == nullptr) return exit_usage;

    const Explained what{.config = config,
                         .user = *user,
                         .model = *model,
                         .limits = resolve_limits_with_origins(
                             config::find_group(config, user->group), *user, *model)};
    if (options.json) {
        print_json(what);
    } else {
        print_text(what);
    }
    return exit_success;
}

}  // namespace sluicegate::cli
