#include "sluicegate/config/replace_file.hpp"

#include "config/support.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace sluicegate::config {
namespace {

TEST(ReplaceFile, IsDoneAsAWholeAndKeepsTheMode) {
    const TempFolder folder;
    const std::string file = folder.write("users.yaml", "before\n");
    ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
    const std::string link = folder.at("link.yaml");
    std::filesystem::create_symlink(file, link);
    ASSERT_TRUE(replace_file(link, "before\n", "after\n"));
    EXPECT_EQ(*file_text(file), "after\n");
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0640));

    const auto late = replace_file(file, "before\n", "later\n");
    ASSERT_FALSE(late);
    EXPECT_NE(late.error().detail.find("at the same time"), std::string::npos);
    EXPECT_EQ(*file_text(file), "after\n");
    EXPECT_FALSE(replace_file(folder.at("none.yaml"), "", "x"));
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& one : std::filesystem::directory_iterator(folder.at("."))) {
        ++files;
    }
    EXPECT_EQ(files, 2U) << "nothing is left over";
}

TEST(ReplaceFile, LosesNothingThatWasSaidToBeAddedAtTheSameTime) {
    const TempFolder folder;
    const std::string file = folder.write("users.yaml", "\n");
    constexpr int processes = 4;
    constexpr int keys_of_each = 25;
    const auto user_of = [](int process, int key) {
        return "u" + std::to_string(process) + "-" + std::to_string(key);
    };
    std::vector<pid_t> running;
    for (int process = 0; process < processes; ++process) {
        const pid_t pid = ::fork();
        ASSERT_GE(pid, 0);
        if (pid > 0) {
            running.push_back(pid);
            continue;
        }
        for (int key = 0; key < keys_of_each;) {
            const auto before = file_text(file);
            if (!before) continue;
            const std::string after = *before + user_of(process, key) + "\n";
            if (replace_file(file, *before, after)) ++key;
        }
        ::_exit(0);
    }
    for (const pid_t pid : running) EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);

    const auto text = file_text(file);
    ASSERT_TRUE(text);
    for (int process = 0; process < processes; ++process) {
        for (int key = 0; key < keys_of_each; ++key) {
            const std::string user = user_of(process, key);
            EXPECT_NE(text->find("\n" + user + "\n"), std::string::npos) << user;
        }
    }
}

}  // namespace
}  // namespace sluicegate::config
