#include "sluicegate/limit/state_codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace sluicegate::limit {
namespace {

using testing::HasSubstr;

const StateHeader header{.window_ms = 60'000,
                         .clock_ms = 123'456'789,
                         .wall_ms = 1'766'000'000'000,
                         .boot_id = "0d4c7f3a-0000-4000-8000-000000000001",
                         .journal_id = ~std::uint64_t{0},
                         .journal_from = 77};
const StateNames names{.users = {"alice", "böb \"x\"\n", ""}, .models = {"gpt-4o", "claude"}};

std::vector<KeyState> some_keys() {
    return {{.user = UserId{0}, .model = ModelId{1}, .runs = {{59'999, 3, 4000}, {10, 0, 1}}},
            {.user = UserId{2},
             .model = ModelId{0},
             .window = StateWindow::day,
             .runs = {{86'400'000, 65'536, std::uint64_t{1} << 47U}, {0, 1, 0}, {-25, 1, 9}}},
            {.is_shared = true, .runs = {{5, 1, 0}}}};
}

std::string encode(const std::vector<KeyState>& keys) {
    StateEncoder encoder(header, names);
    std::string bytes;
    for (const KeyState& key : keys) {
        encoder.add(key);
        if (encoder.pending() > 64) bytes += encoder.take();
    }
    return bytes + encoder.finish();
}

std::vector<KeyState> keys_of(const StateReader& reader) {
    std::vector<KeyState> keys;
    reader.visit([&](const KeyState& key) { keys.push_back(key); });
    return keys;
}

/// The same content with a checksum that is right for it.
std::string sealed(std::string bytes) {
    bytes.resize(bytes.size() - 4);
    return bytes + state_checksum(bytes);
}

std::string reason(std::string_view bytes) {
    Result<StateReader> reader = StateReader::open(bytes);
    return reader ? "" : reader.error().detail;
}

TEST(StateCodec, GivesBackWhatWasWritten) {
    const std::string bytes = encode(some_keys());
    const Result<StateReader> reader = StateReader::open(bytes);
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->header(), header);
    EXPECT_EQ(reader->names(), names);
    EXPECT_EQ(keys_of(*reader), some_keys());
}

TEST(StateCodec, WritesAStateWithoutKeys) {
    const std::string bytes = encode({});
    const Result<StateReader> reader = StateReader::open(bytes);
    ASSERT_TRUE(reader);
    EXPECT_TRUE(keys_of(*reader).empty());
}

TEST(StateCodec, LeavesOutWhatHasNoName) {
    std::vector<KeyState> keys = some_keys();
    keys.push_back({.user = UserId{3}, .model = ModelId{0}, .runs = {{1, 1, 1}}});
    keys.push_back({.user = UserId{0}, .model = ModelId{2}, .runs = {{1, 1, 1}}});
    keys.push_back({.user = UserId{0}, .model = ModelId{0}});
    const std::string bytes = encode(keys);
    const Result<StateReader> reader = StateReader::open(bytes);
    ASSERT_TRUE(reader);
    EXPECT_EQ(keys_of(*reader), some_keys());
}

TEST(StateCodec, GivesBackRandomStates) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto draw = [&](std::uint64_t bits) { return random() >> (64 - 1 - random() % bits); };
    for (int round = 0; round < 300; ++round) {
        std::vector<KeyState> keys;
        for (std::uint64_t i = random() % 20; i > 0; --i) {
            KeyState& key = keys.emplace_back();
            key.is_shared = random() % 8 == 0;
            if (!key.is_shared) {
                key.user = UserId{static_cast<std::uint32_t>(random() % names.users.size())};
                key.model = ModelId{static_cast<std::uint32_t>(random() % names.models.size())};
            }
            key.window = random() % 2 == 0 ? StateWindow::minute : StateWindow::day;
            auto age_ms = static_cast<std::int64_t>(draw(30));
            for (std::uint64_t runs = 1 + random() % 126; runs > 0; --runs) {
                key.runs.push_back({age_ms, draw(31), draw(47)});
                age_ms -= static_cast<std::int64_t>(draw(20));
            }
        }
        const std::string bytes = encode(keys);
        const Result<StateReader> reader = StateReader::open(bytes);
        ASSERT_TRUE(reader);
        ASSERT_EQ(keys_of(*reader), keys);
    }
}

TEST(StateCodec, RefusesEveryCutAndEveryChangedByte) {
    const std::string bytes = encode(some_keys());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        SCOPED_TRACE(i);
        EXPECT_NE(reason(bytes.substr(0, i)), "");
        for (const int change : {1, 0x80, 0xFF}) {
            std::string changed = bytes;
            changed[i] = static_cast<char>(changed[i] ^ change);
            EXPECT_NE(reason(changed), "");
        }
    }
    EXPECT_NE(reason(bytes + "x"), "");
}

TEST(StateCodec, SaysWhatIsWrong) {
    const std::string bytes = encode(some_keys());
    EXPECT_THAT(reason(""), HasSubstr("not a state file"));
    EXPECT_THAT(reason("limiter: {}\n"), HasSubstr("not a state file"));
    EXPECT_THAT(reason(bytes.substr(0, 22)), HasSubstr("cut short"));
    EXPECT_THAT(reason(bytes.substr(0, bytes.size() - 1)), HasSubstr("checksum"));
    std::string newer = bytes;
    newer[16] = 2;
    EXPECT_THAT(reason(sealed(newer)), HasSubstr("has format 2, this sluicegate reads 1"));
    std::string longer = bytes;
    longer.insert(longer.size() - 4, "x");
    EXPECT_THAT(reason(sealed(longer)), HasSubstr("against the rules"));
}

TEST(StateCodec, SurvivesContentThatOnlyItsChecksumIsRightOf) {
    const std::string huge = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01";
    const std::string bytes = encode(some_keys());
    for (std::size_t i = 20; i + 4 < bytes.size(); ++i) {
        SCOPED_TRACE(i);
        std::string changed = bytes;
        changed.replace(i, 1, huge);
        changed = sealed(changed);
        if (const auto reader = StateReader::open(changed)) keys_of(*reader);
        changed = bytes;
        changed.erase(i, 1);
        changed = sealed(changed);
        if (const auto reader = StateReader::open(changed)) keys_of(*reader);
    }
    // A count of more names than there are bytes: no memory is taken for them.
    StateEncoder nothing({}, {});
    std::string many = nothing.finish();
    many.replace(many.size() - 4 - 3, 1, "\xFF\xFF\xFF\xFF\x0F");
    EXPECT_THAT(reason(sealed(many)), HasSubstr("against the rules"));
}

}  // namespace
}  // namespace sluicegate::limit
