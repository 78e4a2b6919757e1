#include "sluicegate/auth/key_hash.hpp"
#include "sluicegate/auth/new_key.hpp"
#include "sluicegate/base/wipe_scope.hpp"
#include "sluicegate/config/load.hpp"
#include "sluicegate/config/replace_file.hpp"

#include "cli/commands.hpp"
#include "cli/problems.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::cli {
namespace {

constexpr std::size_t key_bytes_min = 20;

Result<void> append_to(const std::string& file, std::string_view before,
                       const config::KeyEntry& entry) {
    const auto after = config::append_key(before, entry);
    if (!after) return fail(after.error().kind, after.error().detail);
    return config::replace_file(file, before, *after);
}

/// The text of the file to which the key is to be added. Errors: no key can be used there.
Result<std::string> text_without_key(const std::string& file, const config::KeyEntry& entry) {
    auto text = config::file_text(file);
    if (text && config::has_key(*text, entry)) {
        return fail(ErrorKind::internal, "users." + entry.user + " has a key with the id " +
                                             entry.id + ": choose another with --id");
    }
    return text;
}

constexpr std::size_t columns = 5;
using Row = std::array<std::string, columns>;

Row row_of(const config::User& user, const config::ApiKey& key) {
    std::string models;
    for (const std::string& model : key.models) {
        models += (models.empty() ? "" : ",") + model;
    }
    const bool is_over = key.expires && *key.expires <= std::chrono::system_clock::now();
    const bool is_disabled = user.is_disabled || key.is_disabled;
    return {user.name, key.id, config::end_text(key), models.empty() ? "all" : models,
            is_disabled ? "disabled"
            : is_over   ? "expired"
                        : "in use"};
}

}  // namespace

int key_new(const NewKeyOptions& options) {
    config::KeyEntry entry = options.entry;
    const std::string wrong = config::why_not_a_key(entry);
    if (!wrong.empty()) {
        std::fprintf(stderr, "sluicegate: %s\n", wrong.c_str());
        return exit_usage;
    }
    const WipeScope wipes;
    Result<std::string> before = std::string();
    if (!options.file.empty()) before = text_without_key(options.file, entry);
    if (!before) {
        std::fprintf(stderr, "%s: no key was made: %s\n", options.file.c_str(),
                     before.error().detail.c_str());
        return exit_failure;
    }
    const auth::NewKey made = auth::make_key();
    const std::string_view key = made.key.reveal();
    entry.sha256 = made.sha256_hex;
    static_cast<void>(std::setvbuf(stdout, nullptr, _IONBF, 0));  // a buffer would keep the key
    const auto print_key = [key](const char* format) {
        std::printf(format, static_cast<int>(key.size()), key.data());
    };
    if (options.file.empty()) {
        std::printf("The key, shown only this once; hand it to %s:\n\n", entry.user.c_str());
        print_key("  %.*s\n\n");
        std::printf("Add this line under users.%s.keys and reload (kill -HUP):\n\n",
                    entry.user.c_str());
        std::printf("      %s\n", config::key_line(entry).c_str());
        return exit_success;
    }
    const auto added = append_to(options.file, *before, entry);
    if (!added) {
        std::fprintf(stderr,
                     "%s: nothing was written: %s\n"
                     "The key was made all the same. To use it, add under users.%s.keys:\n\n"
                     "      %s\n\n",
                     options.file.c_str(), added.error().detail.c_str(), entry.user.c_str(),
                     config::key_line(entry).c_str());
        print_key("%.*s\n");
        return exit_failure;
    }
    std::fprintf(stderr,
                 "%s: users.%s has the new key %s; reload (kill -HUP). Standard output has the "
                 "key, only this once:\n",
                 options.file.c_str(), entry.user.c_str(), entry.id.c_str());
    print_key("%.*s\n");
    return exit_success;
}

int key_list(const std::string& file) {
    const auto loaded = config::load(file, config::process_environment());
    if (!loaded) {
        print_problems(file, loaded.problems);
        return exit_configuration;
    }
    std::vector<Row> rows{{"USER", "ID", "EXPIRES", "MODELS", "STATE"}};
    for (const config::User& user : loaded.config->users) {
        for (const config::ApiKey& key : user.keys) rows.push_back(row_of(user, key));
    }
    std::array<std::size_t, columns> widths{};
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const Row& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < columns; ++i) {
            line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
        }
        std::printf("%s\n", line.substr(0, line.find_last_not_of(' ') + 1).c_str());
    }
    return exit_success;
}

int key_hash() {
    const WipeScope wipes;
    static_cast<void>(std::setvbuf(stdin, nullptr, _IONBF, 0));  // std::cin reads from it
    std::string key;
    std::getline(std::cin, key);
    if (!key.empty() && key.back() == '\r') key.pop_back();
    if (key.empty()) {
        std::fprintf(stderr,
                     "sluicegate: no key on standard input; try: sluicegate key hash < FILE\n");
        return exit_failure;
    }
    if (key.size() < key_bytes_min) {
        std::fprintf(stderr,
                     "sluicegate: the key has %zu characters, and a key of fewer than %zu can be "
                     "guessed; make one with: sluicegate key new --user NAME\n",
                     key.size(), key_bytes_min);
        return exit_failure;
    }
    std::printf("%s\n", auth::to_hex(auth::hash_key(key)).c_str());
    return exit_success;
}

}  // namespace sluicegate::cli
