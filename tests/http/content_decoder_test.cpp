#include "sluicegate/http/content_decoder.hpp"

#include "support/content_encoder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::http {
namespace {

using support::ContentEncoder;
using support::encoded;
using support::encoder_names;

constexpr ContentDecoder::Kinds decoder_kinds{.malformed = ErrorKind::invalid_body,
                                              .cut = ErrorKind::upstream_closed,
                                              .expansion = ErrorKind::request_too_large};

ContentCoding coding_by_name(std::string_view name) {
    if (name == "gzip") return ContentCoding::gzip;
    if (name == "br") return ContentCoding::br;
    return name == "zstd" ? ContentCoding::zstd : ContentCoding::deflate;
}

/// "whole", "cut", or the name of the error; and what came out.
struct Decoded {
    std::string end;
    std::string content;
    std::string detail{};
};

/// Decodes what arrives in pieces of `in_bytes`, into rooms of `out_bytes`, until `content_max`.
Decoded decoded(std::string_view name, std::string_view coded, std::size_t in_bytes,
                std::size_t out_bytes, MemoryBudget& budget,
                std::size_t content_max = std::size_t{64} << 20) {
    ContentDecoder decoder(coding_by_name(name), decoder_kinds,
                           {.budget = budget, .use = MemoryUse::request, .share = nullptr});
    Decoded out;
    std::vector<char> room(out_bytes);
    while (!coded.empty()) {
        // A copy, so that a sanitizer sees a read beyond it.
        const std::string piece(coded.substr(0, in_bytes));
        std::string_view input = piece;
        for (std::size_t produced = room.size(); produced == room.size() || !input.empty();) {
            auto step = decoder.decode(input, room);
            if (!step) {
                out.end = name_of(step.error().kind);
                out.detail = step.error().detail;
                return out;
            }
            produced = step->produced;
            input.remove_prefix(step->consumed);
            out.content.append(room.data(), produced);
            if (out.content.size() > content_max) {
                out.end = "too much";
                return out;
            }
        }
        coded.remove_prefix(piece.size());
    }
    out.end = decoder.is_whole() ? "whole" : "cut";
    return out;
}

Decoded decoded(std::string_view name, std::string_view coded) {
    MemoryBudget budget(std::size_t{64} << 20);
    Decoded out = decoded(name, coded, std::max<std::size_t>(1, coded.size()), 4096, budget);
    EXPECT_EQ(budget.used(), 0U);
    return out;
}

std::string text_of(std::size_t size, unsigned seed = 1) {
    std::mt19937 random(seed);
    std::string text;
    while (text.size() < size) text += "word" + std::to_string(random() % 1000) + " ";
    text.resize(size);
    return text;
}

TEST(ContentDecoder, GivesBackWhatWasEncodedHoweverItArrives) {
    for (const std::string& name : encoder_names()) {
        for (const std::size_t size : {0U, 1U, 100U, 300'000U}) {
            const std::string plain = text_of(size);
            const std::string coded = encoded(name, plain);
            for (const std::size_t in_bytes : {std::size_t{1}, std::size_t{7}, coded.size()}) {
                for (const std::size_t out_bytes : {1U, 1000U, 400'000U}) {
                    if (size > 1000 && in_bytes * out_bytes < 1000) continue;  // takes long
                    SCOPED_TRACE(name + " of " + std::to_string(size) + " in " +
                                 std::to_string(in_bytes) + " out " + std::to_string(out_bytes));
                    MemoryBudget budget(std::size_t{64} << 20);
                    const Decoded out = decoded(name, coded, in_bytes, out_bytes, budget);
                    EXPECT_EQ(out.end, "whole") << out.detail;
                    EXPECT_TRUE(out.content == plain);
                    EXPECT_EQ(budget.used(), 0U);
                }
            }
        }
    }
}

TEST(ContentDecoder, GivesOutAtOnceWhatWasFlushed) {
    for (const std::string& name : encoder_names()) {
        SCOPED_TRACE(name);
        MemoryBudget budget(std::size_t{64} << 20);
        ContentDecoder decoder(coding_by_name(name), decoder_kinds,
                               {.budget = budget, .use = MemoryUse::answer, .share = nullptr});
        ContentEncoder encoder(name);
        std::vector<char> room(4096);
        for (int i = 0; i < 50; ++i) {
            const std::string event = "data: {\"n\":" + std::to_string(i) + "}\n\n";
            const std::string piece = encoder.take(event);
            auto step = decoder.decode(piece, room);
            ASSERT_TRUE(step);
            EXPECT_EQ(step->consumed, piece.size());
            EXPECT_EQ(std::string_view(room.data(), step->produced), event);
            EXPECT_FALSE(decoder.is_whole());
        }
        auto last = decoder.decode(encoder.end(), room);
        ASSERT_TRUE(last);
        EXPECT_EQ(last->produced, 0U);
        EXPECT_TRUE(decoder.is_whole());
    }
}

TEST(ContentDecoder, KnowsEveryCut) {
    const std::string plain = text_of(2000);
    for (const std::string& name : encoder_names()) {
        const std::string coded = encoded(name, plain);
        for (std::size_t size = 1; size < coded.size(); ++size) {
            SCOPED_TRACE(name + " cut at " + std::to_string(size));
            const Decoded out = decoded(name, coded.substr(0, size));
            EXPECT_EQ(out.end, "cut");
            EXPECT_TRUE(plain.starts_with(out.content));
        }
    }
}

TEST(ContentDecoder, NothingIsWhole) {
    for (const std::string& name : encoder_names()) EXPECT_EQ(decoded(name, "").end, "whole");
}

TEST(ContentDecoder, RefusesWhatIsDamaged) {
    const std::string plain = text_of(2000);
    const std::string gzip = encoded("gzip", plain);
    std::string wrong_sum = gzip;
    wrong_sum[gzip.size() - 8] ^= 1;
    std::string wrong_size = gzip;
    wrong_size[gzip.size() - 1] ^= 1;
    std::string wrong_adler = encoded("deflate", plain);
    wrong_adler.back() ^= 1;
    std::string wrong_zstd_sum = encoded("zstd", plain);
    wrong_zstd_sum.back() ^= 1;
    std::string dictionary = encoded("deflate", plain);
    dictionary[1] = '\xbb';  // FDICT, and the check of the header
    struct Row {
        std::string name, coding, coded;
    };
    const std::vector<Row> rows{
        {"gzip, checksum", "gzip", wrong_sum},
        {"gzip, size", "gzip", wrong_size},
        {"gzip, bytes behind it", "gzip", gzip + "garbage"},
        {"gzip, zeros behind it", "gzip", gzip + std::string(16, '\0')},
        {"gzip that is JSON", "gzip", R"({"model":"m"})"},
        {"gzip that is zstd", "gzip", encoded("zstd", plain)},
        {"deflate, checksum", "deflate", wrong_adler},
        {"deflate, bytes behind it", "deflate", encoded("deflate", plain) + "x"},
        {"raw deflate, bytes behind it", "deflate", encoded("raw deflate", plain) + "x"},
        {"deflate, dictionary", "deflate", dictionary},
        {"deflate, a window too large", "deflate", "\x88\x1c" + encoded("raw deflate", plain)},
        {"br, bytes behind it", "br", encoded("br", plain) + "x"},
        {"br, a large window", "br", std::string("\x11\x1e\x80\x00\x00\x00\x00", 7)},
        {"zstd, checksum", "zstd", wrong_zstd_sum},
        {"zstd, bytes behind it", "zstd", encoded("zstd", plain) + "garbage"},
        {"zstd, a window of 16 MiB", "zstd",
         std::string("\x28\xb5\x2f\xfd\x00\x70\x01\x00\x00", 9)},
        {"zstd, a dictionary", "zstd", std::string("\x28\xb5\x2f\xfd\x21\x05\x00\x01\x00\x00", 10)},
        {"zstd 0.7", "zstd", std::string("\x27\xb5\x2f\xfd\x20\x00\x01\x00\x00", 9)},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        MemoryBudget budget(std::size_t{64} << 20);
        for (const std::size_t in_bytes : {std::size_t{1}, row.coded.size()}) {
            const Decoded out = decoded(row.coding, row.coded, in_bytes, 4096, budget);
            EXPECT_EQ(out.end, "invalid_body") << out.detail;
            EXPECT_TRUE(out.detail.starts_with(row.coding + ": ")) << out.detail;
        }
        EXPECT_EQ(budget.used(), 0U);
    }
}

TEST(ContentDecoder, ReadsMembersAndFramesOneAfterAnother) {
    EXPECT_EQ(
        decoded("gzip", encoded("gzip", "one ") + encoded("gzip", "") + encoded("gzip", "two"))
            .content,
        "one two");
    const std::string skippable("\x5a\x2a\x4d\x18\x03\x00\x00\x00\xff\xff\xff", 11);
    const Decoded frames = decoded("zstd", skippable + encoded("zstd", "one ") + skippable +
                                               encoded("zstd", "") + encoded("zstd", "two"));
    EXPECT_EQ(frames.content, "one two");
    EXPECT_EQ(frames.end, "whole");
    EXPECT_EQ(decoded("zstd", skippable).end, "whole");
    EXPECT_EQ(decoded("zstd", skippable.substr(0, 9)).end, "cut");
    EXPECT_EQ(decoded("zstd", encoded("zstd", "one") + "\x28\xb5").end, "cut");
}

TEST(ContentDecoder, AllowsWindowsOfEightMebibytes) {
    // 8 MiB: exponent 13, mantissa 0; then one raw block, the last, with a byte.
    const std::string frame("\x28\xb5\x2f\xfd\x00\x68\x09\x00\x00x", 10);
    EXPECT_EQ(decoded("zstd", frame).content, "x");
}

TEST(ContentDecoder, EndsBombsSoon) {
    for (const std::string& name : encoder_names()) {
        SCOPED_TRACE(name);
        const std::string bomb = support::encoded_zeros(name, std::size_t{64} << 20);
        MemoryBudget budget(std::size_t{64} << 20);
        for (const std::size_t in_bytes : {std::size_t{100}, bomb.size()}) {
            const Decoded out = decoded(name, bomb, in_bytes, 64 * 1024, budget);
            EXPECT_EQ(out.end, "request_too_large");
            EXPECT_LE(out.content.size(),
                      ContentDecoder::usual_growth.free_bytes +
                          ContentDecoder::usual_growth.ratio_max * (in_bytes + 100) + 65536);
        }
    }
}

TEST(ContentDecoder, LetsRepetitiveContentOfAFewMebibytesPass) {
    for (const std::string& name : encoder_names()) {
        SCOPED_TRACE(name);
        const std::string plain(ContentDecoder::usual_growth.free_bytes, 'a');
        const Decoded out = decoded(name, encoded(name, plain));
        EXPECT_EQ(out.end, "whole") << out.detail;
        EXPECT_EQ(out.content.size(), plain.size());
    }
}

TEST(ContentDecoder, TakesNoMemoryThatTheBudgetHasNotGot) {
    for (const std::string& name : encoder_names()) {
        const std::string coded = encoded(name, text_of(300'000));
        for (const std::size_t limit : {0U, 1000U, 10'000U}) {
            SCOPED_TRACE(name + " with " + std::to_string(limit));
            MemoryBudget budget(limit);
            const Decoded out = decoded(name, coded, 1000, 4096, budget);
            EXPECT_EQ(out.end, "overloaded") << out.detail;
            EXPECT_EQ(budget.used(), 0U);
        }
    }
}

TEST(ContentDecoder, CountsItsMemoryForTheShare) {
    MemoryBudget budget(std::size_t{64} << 20);
    MemoryShare share;
    {
        ContentDecoder decoder(ContentCoding::zstd, decoder_kinds,
                               {.budget = budget, .use = MemoryUse::request, .share = &share});
        EXPECT_GT(share.held(), 10'000U);
        EXPECT_EQ(share.held(), budget.used());
    }
    EXPECT_EQ(share.held(), 0U);
    EXPECT_EQ(budget.used(), 0U);
}

std::string names_of(const ContentCodings& codings) {
    std::string names;
    for (const ContentCoding coding : codings.list()) {
        if (!names.empty()) names += ' ';
        names += name_of(coding);
    }
    return names.empty() ? "none" : names;
}

TEST(ContentCoding, IsReadFromAllFieldsOfItsName) {
    struct Row {
        std::vector<std::string> values;
        std::string expected;  ///< "": not supported
    };
    const std::vector<Row> rows{
        {{}, "none"},
        {{""}, "none"},
        {{"identity"}, "none"},
        {{"Identity , identity"}, "none"},
        {{"gzip"}, "gzip"},
        {{"GZip"}, "gzip"},
        {{"x-gzip"}, "gzip"},
        {{" gzip\t"}, "gzip"},
        {{"gzip, identity"}, "gzip"},
        {{", gzip ,"}, "gzip"},
        {{"identity", "br"}, "br"},
        {{"deflate"}, "deflate"},
        {{"zstd"}, "zstd"},
        {{"gzip, zstd"}, "gzip zstd"},
        {{"gzip, identity, gzip", "br"}, "gzip gzip br"},
        {{"gzip", "br", "zstd, zstd"}, ""},
        {{"compress"}, ""},
        {{"gzip;q=1"}, ""},
        {{"gzip zstd"}, ""},
        {{"chunked"}, ""},
        {{"gzi"}, ""},
        {{"gzipp"}, ""},
    };
    for (const Row& row : rows) {
        FieldTable fields;
        ASSERT_TRUE(fields.add("content-length", "5"));
        for (const std::string& value : row.values) {
            ASSERT_TRUE(fields.add("Content-Encoding", value));
        }
        SCOPED_TRACE(row.values.empty() ? "none" : row.values.front());
        const auto codings = content_codings_of(fields);
        EXPECT_EQ(codings ? names_of(*codings) : "", row.expected);
    }
}

ContentCodings named(const std::vector<ContentCoding>& list) {
    ContentCodings codings;
    for (const ContentCoding coding : list) EXPECT_TRUE(codings.add(coding));
    return codings;
}

TEST(ContentCoding, IsSeenWhereTheHeadIsWrong) {
    using enum ContentCoding;
    struct Row {
        const char* name;
        std::vector<ContentCoding> named;
        std::string beginning;
        std::string expected;
        std::size_t needed = 1;  ///< bytes from which on it is known
    };
    const std::string gzip_text("\x1f\x8b\x08\0\0\0\0\0", 8);
    const std::string zstd_text("\x28\xb5\x2f\xfd\x24\0\0\0", 8);
    const Row rows[] = {
        {"JSON", {}, R"({"id":"x"})", "none"},
        {"a recording", {}, "ID3\4\5\6\7\1", "none"},
        {"gzip in silence", {}, gzip_text, "gzip", 3},
        {"zstd in silence", {}, zstd_text, "zstd", 4},
        {"a bracket", {}, "(1)", "none", 2},
        {"as named", {gzip}, gzip_text, "gzip", 3},
        {"as named, the last", {br, zstd}, zstd_text, "br zstd", 4},
        {"gzip under another name", {br}, gzip_text, "gzip", 3},
        {"zstd under another name", {gzip, deflate}, zstd_text, "gzip zstd", 4},
        {"JSON named gzip", {gzip}, R"({"id":"x"})", "none", 2},
        {"JSON named several", {br, gzip}, R"([{"id":"x"}])", "none", 2},
        {"JSON named deflate", {deflate}, "\r\n{ \"id\"", "none", 4},
        {"events named br", {br}, "data: {}\n\n", "none", 5},
        {"an event's name, named zstd", {zstd}, "event: x\n", "none", 6},
        {"comments named deflate", {deflate}, ": waiting\n", "none", 2},
        {"a byte order mark named br", {br}, "\xef\xbb\xbf{\"", "none", 3},
        {"a recording named gzip", {gzip}, "ID3\4\5\6\7\1", "none"},
        {"what may be br", {br}, "\x1b\x02\x80", "br"},
        {"what may be deflate, named twice", {deflate, gzip}, "\x78\x9c\x01", "deflate"},
        {"a frame to skip", {zstd}, "\x53\x2a\x4d\x18\1\0\0\0", "zstd", 4},
        {"a list named zstd", {zstd}, R"([{"id":"x"}])", "none", 2},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        for (std::size_t size = 0; size <= row.beginning.size(); ++size) {
            const std::string_view begun = std::string_view(row.beginning).substr(0, size);
            const auto seen = codings_by_sight(named(row.named), begun, false);
            EXPECT_EQ(seen.has_value(), size >= row.needed) << size;
            if (seen) {
                EXPECT_EQ(names_of(*seen), row.expected) << size;
            }
        }
        EXPECT_TRUE(codings_by_sight(named(row.named), row.beginning.substr(0, 1), true));
        EXPECT_EQ(names_of(*codings_by_sight(named(row.named), "", true)),
                  names_of(named(row.named)));
    }
}

}  // namespace
}  // namespace sluicegate::http
