#include "sluicegate/config/load.hpp"

#include "sluicegate/base/wipe_scope.hpp"

#include "config/effective.hpp"
#include "config/files.hpp"
#include "config/sections.hpp"
#include "config/sources.hpp"
#include "config/warnings.hpp"

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <set>
#include <string_view>
#include <utility>

namespace sluicegate::config {
namespace {

/// The entries of a section that may not be empty.
std::vector<NamedEntry> some_entries(Context& context, const Sources& sources, const Node& main,
                                     std::string_view section) {
    const std::size_t problems_before = context.problems.count();
    auto entries = sources.merged(context, section);
    // An invalid section is empty too, but that was reported before.
    if (entries.empty() && context.problems.count() == problems_before) {
        add_problem(context, Value{&main, std::string(section)}, "needs at least one entry");
    }
    return entries;
}

void check_admin_listener(Context& context, const Value& at, const Config& config) {
    if (!config.admin.listen || config.admin.listen->port == 0) return;
    for (const Listener& listener : config.server.listen) {
        if (listener.host != config.admin.listen->host) continue;
        if (listener.port != config.admin.listen->port) continue;
        add_problem(context, at, "may not listen on an address of server.listen");
        return;
    }
}

void append(std::vector<std::string>& to, std::vector<std::string> from) {
    for (std::string& text : from) to.push_back(std::move(text));
}

/// All workers know the names by a number.
void check_denied_names(Context& context, const Value& at, const Config& config) {
    std::set<std::string_view> names;
    for (const Upstream& one : config.upstreams) {
        names.insert(one.body.deny.begin(), one.body.deny.end());
    }
    for (const Model& one : config.models) names.insert(one.body.deny.begin(), one.body.deny.end());
    if (names.size() <= denied_names_max) return;
    add_problem(context, at,
                "all body.deny together may name at most " + std::to_string(denied_names_max) +
                    " different fields, got " + std::to_string(names.size()));
}

Config parse(Context& context, const Sources& sources, const Node& main, EffectiveText text) {
    const MapReader root(context, Value{&main, ""}, Section::root);
    Config config;
    if (!root.is_map()) return config;
    sources.check_included(context);
    if (const auto server = root.require("server")) {
        config.server = parse_server(context, *server);
    }
    KeyPlaces key_places;
    if (const auto admin = root.find("admin")) {
        config.admin = parse_admin(context, *admin, key_places);
        check_admin_listener(context, Value{admin->node, "admin.listen"}, config);
    }
    if (const auto limiter = root.find("limiter")) {
        config.limiter = parse_limiter(context, *limiter);
    }
    if (const auto streams = root.find("streams")) {
        config.streams = parse_streams(context, *streams);
    }
    if (const auto retries = root.find("retries")) {
        config.retries = parse_retries(context, *retries);
    }
    if (const auto log = root.find("log")) config.log = parse_log(context, *log);

    WrittenEntries written;
    written.upstreams = sources.merged(context, "upstreams");
    written.models = some_entries(context, sources, main, "models");
    Upstreams upstreams = parse_upstreams(context, written.upstreams);
    Models models = parse_models(context, written.models, upstreams);
    if (const auto defaults = root.find("defaults")) {
        config.defaults = parse_defaults(context, *defaults, models);
    }
    written.groups = sources.merged(context, "groups");
    config.groups = parse_groups(context, written.groups, models);
    written.users = some_entries(context, sources, main, "users");
    config.users = parse_users(context, written.users, config.groups, models, key_places);

    config.upstreams = std::move(upstreams.list);
    config.models = std::move(models.list);
    check_denied_names(context, Value{&main, "models"}, config);
    append(config.notes, std::move(upstreams.notes));
    append(config.notes, std::move(models.notes));
    for (const std::string& file : context.secret_files) {
        const std::string reason = who_else_may(file);
        if (reason.empty()) continue;
        config.warnings.push_back(file + " holds a secret, and " + reason +
                                  ": chmod 600, or write ${NAME} or file:PATH for the secret");
    }
    if (context.problems.count() == 0) warn_of_doubts(context, main, written, config);
    for (const Problem& warning : context.warnings) config.warnings.push_back(format(warning));
    config.sha256 = sources.digest();
    config.files = context.problems.files();
    const bool is_small = sources.bytes() <= effective_source_bytes_max;
    const bool is_wanted =
        text == EffectiveText::always || (text == EffectiveText::if_small && is_small);
    if (is_wanted && context.problems.count() == 0) {
        config.effective_text = effective_text(main, written, config, context.folders);
    }
    if (context.problems.count() == 0 && config.models.empty()) {
        add_problem(context, Value{&main, "models"}, "no model is left: " + config.notes.back());
    }
    return config;
}

void load_into(const std::string& file, const Environment& environment, Problems& problems,
               EffectiveText text, std::optional<Config>& into) {
    Sources sources(problems, environment);
    sources.read(file);
    const Node* main = sources.main();
    if (main == nullptr) return;
    Context context = sources.context();
    into = parse(context, sources, *main, text);
}

}  // namespace

Environment process_environment() {
    return [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        if (value == nullptr) return std::nullopt;
        return std::string(value);
    };
}

LoadResult load(const std::string& file, const Environment& environment, EffectiveText text) {
    const WipeScope wipes;
    LoadResult result;
    Problems problems;
    try {
        load_into(file, environment, problems, text, result.config);
        result.problems = problems.take();
    } catch (const std::exception& error) {
        // Out of memory, or a path that the file system library cannot hold.
        result.problems = {Problem{.file = file, .line = 0, .path = "", .message = error.what()}};
    }
    if (!result.problems.empty()) result.config.reset();
    return result;
}

}  // namespace sluicegate::config
