#include "sluicegate/metrics/reference.hpp"

#include "support/paths.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace sluicegate::metrics {
namespace {

TEST(Reference, ThePageInDocsIsTheOneOfTheCatalogue) {
    const std::filesystem::path path = support::source_folder() / "docs/metrics.md";
    if (std::getenv("SLUICEGATE_WRITE_DOCS") != nullptr) {
        std::ofstream(path, std::ios::binary) << reference_page();
    }
    std::ifstream file(path, std::ios::binary);
    const std::string page((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(page, reference_page())
        << "run this test with SLUICEGATE_WRITE_DOCS=1 in the environment to write the page anew";
}

}  // namespace
}  // namespace sluicegate::metrics
