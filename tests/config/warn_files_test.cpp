#include "config/support.hpp"
#include "support/paths.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

namespace sluicegate::config {
namespace {

/// The folder with the files, copied: what other users may do with them must be certain.
void copy_files(const std::filesystem::path& to) {
    namespace fs = std::filesystem;
    fs::copy(support::source_folder() / "tests/config/warn", to, fs::copy_options::recursive);
    for (const auto& entry : fs::directory_iterator(to / "files")) {
        const bool is_open = entry.path().filename().string().starts_with("open_");
        fs::permissions(entry.path(), is_open ? fs::perms(0644) : fs::perms(0600));
    }
}

/// The first line of each file says what one of its warnings must end with.
TEST(WarnFiles, GiveTheWarningOfTheirFirstLine) {
    const TempFolder copies;
    const std::filesystem::path folder = copies.at("warn");
    copy_files(folder);
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".yaml") continue;
        SCOPED_TRACE(entry.path().filename());
        ++count;
        static const std::string mark = "# expect: ";
        const std::string text = text_of_file(entry.path());
        ASSERT_TRUE(text.starts_with(mark));
        const std::string expected =
            entry.path().string() + ':' + text.substr(mark.size(), text.find('\n') - mark.size());

        const LoadResult result = load(entry.path().string(), environment_of({}));

        for (const Problem& problem : result.problems) ADD_FAILURE() << format(problem);
        if (!result.config) continue;
        // Paths of other files are shown with the folder of the configuration.
        const auto without_folder = [&](std::string line) {
            const std::size_t at = line.find(folder.string() + "/files/");
            return at == std::string::npos ? line : line.erase(at, folder.string().size() + 1);
        };
        const bool is_there = std::ranges::any_of(
            result.config->warnings,
            [&](const std::string& warning) { return without_folder(warning) == expected; });
        EXPECT_TRUE(is_there) << expected;
        for (const std::string& warning : result.config->warnings) {
            if (!is_there) ADD_FAILURE() << warning;
        }
    }
    EXPECT_GE(count, 12U);
}

}  // namespace
}  // namespace sluicegate::config
