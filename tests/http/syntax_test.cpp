#include "sluicegate/http/syntax.hpp"

#include "sluicegate/http/method.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluicegate::http {
namespace {

TEST(Syntax, ClassifiesEveryByteAsRfc9110Does) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    for (int value = 0; value < 256; ++value) {
        SCOPED_TRACE(value);
        const char byte = static_cast<char>(value);
        const bool is_alphanumeric = (value >= '0' && value <= '9') ||
                                     (value >= 'a' && value <= 'z') ||
                                     (value >= 'A' && value <= 'Z');
        const bool is_mark = value != 0 && marks.find(byte) != std::string_view::npos;
        EXPECT_EQ(is_token(std::string(1, byte)), is_alphanumeric || is_mark);
        // At every position of a text, so that each branch of the search is used.
        const bool is_allowed = value == '\t' || (value >= 0x20 && value != 0x7F);
        for (std::size_t at = 1; at < 40; ++at) {
            std::string text(41, '\xE9');
            text[at] = byte;
            EXPECT_EQ(is_field_value(text), is_allowed) << at;
        }
    }
}

TEST(Syntax, ValuesHaveNoWhiteSpaceAround) {
    EXPECT_TRUE(is_field_value(""));
    EXPECT_TRUE(is_field_value("a b\tc"));
    EXPECT_FALSE(is_field_value(" a"));
    EXPECT_FALSE(is_field_value("a "));
    EXPECT_FALSE(is_field_value("\ta"));
    EXPECT_FALSE(is_field_value("\t"));
    EXPECT_FALSE(is_token(""));
}

TEST(Syntax, OnlyLettersIgnoreCase) {
    EXPECT_TRUE(equals_ignoring_case("Content-Length", "cONTENT-lENGTH"));
    EXPECT_FALSE(equals_ignoring_case("a", "ab"));
    EXPECT_FALSE(equals_ignoring_case("[", "{"));
    EXPECT_FALSE(equals_ignoring_case("\xC9", "\xE9"));
    EXPECT_FALSE(equals_ignoring_case("-", "\r"));
}

TEST(Syntax, IgnoresCaseAtEveryPlaceOfAText) {
    const auto folded = [](int byte) { return byte >= 'A' && byte <= 'Z' ? byte + 32 : byte; };
    // Byte by byte, whole blocks of four and eight bytes, and blocks that overlap.
    for (const std::size_t size : {3U, 4U, 7U, 8U, 16U, 19U}) {
        for (std::size_t at = 0; at < size; ++at) {
            std::string left(size, 'k');
            std::string right(size, 'K');
            for (int a = 0; a < 256; ++a) {
                left[at] = static_cast<char>(a);
                for (int b = 0; b < 256; ++b) {
                    right[at] = static_cast<char>(b);
                    ASSERT_EQ(equals_ignoring_case(left, right), folded(a) == folded(b))
                        << size << ' ' << at << ' ' << a << ' ' << b;
                }
            }
        }
    }
}

TEST(Method, NamesAndBack) {
    for (int i = 0; i <= static_cast<int>(Method::connect); ++i) {
        const auto method = static_cast<Method>(i);
        EXPECT_EQ(method_of(name_of(method)), method);
    }
    EXPECT_EQ(name_of(Method::delete_), "DELETE");
    EXPECT_FALSE(method_of("get").has_value());
    EXPECT_FALSE(method_of("").has_value());
    EXPECT_FALSE(method_of("GETS").has_value());
}

}  // namespace
}  // namespace sluicegate::http
