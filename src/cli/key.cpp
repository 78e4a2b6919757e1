#include "sluicegate/auth/key_hash.hpp"
#include "sluicegate/auth/new_key.hpp"
#include "sluicegate/base/wipe_scope.hpp"

#include "cli/commands.hpp"

#include <cstddef>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>

namespace sluicegate::cli {
namespace {

constexpr std::size_t key_bytes_min = 20;

}  // namespace

int key_new(const std::string& user, const std::string& id) {
    const auth::NewKey made = auth::make_key();
    const std::string_view key = made.key.reveal();
    static_cast<void>(std::setvbuf(stdout, nullptr, _IONBF, 0));  // a buffer would keep the key
    std::printf("The key, shown only this once; hand it to %s:\n\n  %.*s\n\n", user.c_str(),
                static_cast<int>(key.size()), key.data());
    std::printf("Add this line under users.%s.keys and reload (kill -HUP):\n\n", user.c_str());
    std::printf("      - {id: %s, sha256: %s}\n", id.c_str(), made.sha256_hex.c_str());
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
