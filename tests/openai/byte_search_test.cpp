#include "src/openai/byte_search.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluicegate::openai {
namespace {

TEST(ByteSearch, FindsTheFirstOneInTextsOfEverySize) {
    // A search by words could take the neighbours of a match for a match.
    for (const char neighbour : {'!', '#', '\xA2', '\0', '\xFF'}) {
        for (std::size_t size = 0; size < 80; ++size) {
            std::string text(size, neighbour);
            ASSERT_EQ(find_byte(text, '"'), size);
            for (std::size_t at = size; at-- > 0;) {
                text[at] = '"';
                ASSERT_EQ(find_byte(text, '"'), at) << "of " << size;
            }
        }
    }
}

TEST(ByteSearch, LooksAtNothingBeyondTheText) {
    const std::string text = "0123456789\"";
    for (std::size_t size = 0; size + 1 < text.size(); ++size) {
        EXPECT_EQ(find_byte(std::string_view(text).substr(0, size), '"'), size);
    }
}

TEST(ByteSearch, TrimsJsonSpaceOnly) {
    EXPECT_EQ(without_space_behind("a \t\r\n"), "a");
    EXPECT_EQ(without_space_behind(" \n"), "");
    EXPECT_EQ(without_space_behind(""), "");
    EXPECT_EQ(without_space_behind("a\f"), "a\f");
    EXPECT_EQ(without_space_behind("a\xA0"), "a\xA0");
}

}  // namespace
}  // namespace sluicegate::openai
