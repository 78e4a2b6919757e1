#include "config/support.hpp"
#include "support/paths.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

namespace sluicegate::config {
namespace {

const std::filesystem::path bad_folder = support::source_folder() / "tests/config/bad";

/// The messages of the `# expect: ` lines at the start of a file.
std::vector<std::string> expectations_in(const std::string& text) {
    static const std::string mark = "# expect: ";
    std::vector<std::string> expected;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line) && line.starts_with(mark);) {
        expected.push_back(line.substr(mark.size()));
    }
    return expected;
}

/// The lines without the folder in their paths.
std::vector<std::string> without_folder(std::vector<std::string> lines) {
    const std::string folder = bad_folder.string() + '/';
    for (std::string& line : lines) {
        for (std::size_t at = 0; (at = line.find(folder)) != std::string::npos;) {
            line.erase(at, folder.size());
        }
    }
    return lines;
}

std::vector<std::filesystem::path> bad_files() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(bad_folder)) {
        if (entry.path().extension() == ".yaml") files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

TEST(BadFiles, ReportExactlyWhatTheirFirstLinesSay) {
    const auto files = bad_files();
    ASSERT_GT(files.size(), 60U);
    const Environment environment = environment_of({
        {"EMPTY", ""},
        {"NUMBER", "60"},
        {"SECRET", "not-to-be-shown"},
        {"TWO_WORDS", "not to-be-shown"},
    });
    for (const auto& file : files) {
        SCOPED_TRACE(file.filename());
        const std::string text = text_of_file(file);
        const auto expected = expectations_in(text);
        EXPECT_FALSE(expected.empty()) << "the first line must be `# expect: …`";

        const LoadResult result = load(file.string(), environment);

        EXPECT_FALSE(result.config.has_value());
        EXPECT_EQ(without_folder(lines_of(result, file.string())), expected);
        for (const Problem& problem : result.problems) {
            EXPECT_EQ(format(problem).find("to-be-shown"), std::string::npos);
        }
    }
}

}  // namespace
}  // namespace sluicegate::config
