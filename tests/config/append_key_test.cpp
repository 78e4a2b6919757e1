#include "sluicegate/config/append_key.hpp"

#include "config/support.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluicegate::config {
namespace {

const std::string hash(64, 'a');

KeyEntry entry_of(const std::string& user, const std::string& id = "new") {
    return {.user = user, .id = id, .sha256 = hash, .models = {}};
}

std::string line_of(const std::string& id = "new") {
    return "- {id: " + id + ", sha256: " + hash + "}\n";
}

TEST(AppendKey, GoesBehindTheLastKeyOfItsUser) {
    const std::string begin =
        "# ours\n"
        "server: {listen: [{address: '127.0.0.1:0'}]}   # as it is\n"
        "users:\n"
        "  # the first\n"
        "  alice:\n"
        "    group: a\n"
        "    keys:\n"
        "      - {id: one, sha256: x}   # her laptop\n"
        "      # and\n"
        "      - id: two\n"
        "        sha256: y\n";
    const std::string end =
        "\n"
        "  # the second\n"
        "  bob:\n"
        "    keys:\n"
        "    - {id: k, sha256: z}\n"
        "log: {level: info}\n";
    const auto of_alice = append_key(begin + end, entry_of("alice"));
    ASSERT_TRUE(of_alice) << of_alice.error().detail;
    EXPECT_EQ(*of_alice, begin + "      " + line_of() + end);
    const auto of_bob = append_key(begin + end, entry_of("bob"));
    ASSERT_TRUE(of_bob) << of_bob.error().detail;
    const std::string mark = "    - {id: k, sha256: z}\n";
    EXPECT_EQ(*of_bob,
              std::string(begin + end)
                  .replace((begin + end).find(mark), mark.size(), mark + "    " + line_of()));
    const auto of_carol = append_key(begin + end, entry_of("carol"));
    ASSERT_TRUE(of_carol) << of_carol.error().detail;
    EXPECT_EQ(*of_carol, std::string(begin + end)
                             .replace((begin + end).find(mark), mark.size(),
                                      mark + "  carol:\n    keys:\n      " + line_of()));
}

TEST(AppendKey, FindsAPlaceInEveryBlock) {
    struct Row {
        const char* name;
        std::string before;
        std::string user;
        std::string after;
    };
    const std::string new_user = "  dave:\n    keys:\n      " + line_of();
    const Row rows[] = {
        {"no users yet", "users:\n", "dave", "users:\n" + new_user},
        {"no end of line", "users:", "dave", "users:\n" + new_user},
        {"a comment behind it", "users:  # none\nlog: {}\n", "dave",
         "users:  # none\n" + new_user + "log: {}\n"},
        {"a user without anything", "users:\n  dave:\n  eve: {}\n", "dave",
         "users:\n  dave:\n    keys:\n      " + line_of() + "  eve: {}\n"},
        {"a user without keys", "users:\n  dave:\n    group: g\n  eve: {}\n", "dave",
         "users:\n  dave:\n    group: g\n    keys:\n      " + line_of() + "  eve: {}\n"},
        {"keys without any", "users:\n  dave:\n    keys:\n    group: g\n", "dave",
         "users:\n  dave:\n    keys:\n      " + line_of() + "    group: g\n"},
        {"four spaces", "users:\n    eve:\n        group: g\n", "dave",
         "users:\n    eve:\n        group: g\n    dave:\n      keys:\n        " + line_of()},
        {"CRLF", "users:\r\n  eve: {}\r\n", "dave",
         "users:\r\n  eve: {}\r\n  dave:\r\n    keys:\r\n      - {id: new, sha256: " + hash +
             "}\r\n"},
        {"a name that needs quotes", "users:\n", "+dave",
         "users:\n  \"+dave\":\n    keys:\n      " + line_of()},
        {"other users in brackets", "users:\n  eve: {keys: []}\n", "dave",
         "users:\n  eve: {keys: []}\n" + new_user},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto text = append_key(row.before, entry_of(row.user));
        ASSERT_TRUE(text) << text.error().detail;
        EXPECT_EQ(*text, row.after);
    }
}

TEST(AppendKey, RefusesWhereNoPlaceIsSafe) {
    struct Row {
        const char* name;
        std::string text;
        const char* why;
    };
    const Row rows[] = {
        {"no users", "server: {}\n", "has no users"},
        {"nothing", "", "has no users"},
        {"a list", "- a\n", "has no users"},
        {"no YAML", "users: [\n", "line 1: not valid YAML"},
        {"users in brackets", "users: {alice: {keys: []}}\n", "lines of its own"},
        {"a user in brackets", "users:\n  alice: {group: g}\n", "lines of its own"},
        {"keys in brackets", "users:\n  alice:\n    keys: [{id: a, sha256: b}]\n",
         "a line for each key"},
        {"no key left", "users:\n  alice:\n    keys: []\n", "a line for each key"},
        {"an alias", "x: &k\n  - {id: a, sha256: b}\nusers:\n  alice:\n    keys: *k\n",
         "a line for each key"},
        {"an anchor", "users:\n  alice:\n    keys: &k\n      - {id: a, sha256: b}\nx: *k\n",
         "no safe place"},
        {"a list as the user", "users:\n  alice:\n    - a\n", "lines of its own"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto text = append_key(row.text, entry_of("alice"));
        ASSERT_FALSE(text) << *text;
        EXPECT_NE(text.error().detail.find(row.why), std::string::npos) << text.error().detail;
    }
}

TEST(AppendKey, SeesAnIdThatIsThereHoweverItIsWritten) {
    for (const char* text : {"users:\n  alice:\n    keys:\n      - {id: new, sha256: b}\n",
                             "users: {alice: {keys: [{id: \"new\", sha256: b}]}}\n",
                             "x: &k [{id: new}]\nusers: {alice: {keys: *k}}\n"}) {
        EXPECT_TRUE(has_key(text, entry_of("alice"))) << text;
        EXPECT_FALSE(has_key(text, entry_of("alice", "other"))) << text;
        EXPECT_FALSE(has_key(text, entry_of("bob"))) << text;
    }
    EXPECT_FALSE(has_key("users: [\n", entry_of("alice")));
    EXPECT_FALSE(has_key("users: none\n", entry_of("alice")));
}

TEST(AppendKey, WritesWhatTheFileReads) {
    KeyEntry entry = entry_of("alice", "a:b");
    entry.expires = "2199-01-01";
    entry.models = {"m", "~odd", "llama3:8b"};
    EXPECT_EQ(why_not_a_key(entry), "");
    EXPECT_EQ(key_line(entry), "- {id: a:b, sha256: " + hash +
                                   ", expires: 2199-01-01, models: [m, \"~odd\", llama3:8b]}");
    const std::string head =
        "server: {listen: [{address: '127.0.0.1:0'}]}\n"
        "upstreams: {echo: {kind: echo}}\n"
        "models: {m: &m {route: [{upstream: echo}]}, ~odd: *m, 'llama3:8b': *m}\n"
        "users:\n";
    const auto text = append_key(head, entry);
    ASSERT_TRUE(text) << text.error().detail;
    const Config config = config_of(*text);
    ASSERT_EQ(config.users.size(), 1U);
    const ApiKey& key = config.users[0].keys.at(0);
    EXPECT_EQ(key.id, "a:b");
    EXPECT_EQ(key.models, entry.models);
    EXPECT_EQ(end_text(key), "2199-01-01T00:00:00Z");
}

TEST(AppendKey, ChecksNamesAndDatesAsTheFileDoes) {
    const auto why = [](const std::string& user, const std::string& id, const std::string& expires,
                        const std::string& model) {
        KeyEntry entry = entry_of(user, id);
        entry.expires = expires;
        entry.models = {model};
        return why_not_a_key(entry);
    };
    EXPECT_EQ(why("alice", "k", "", "m"), "");
    EXPECT_TRUE(why("al ice", "k", "", "m").starts_with("--user: "));
    EXPECT_TRUE(why("alice", "", "", "m").starts_with("--id: "));
    EXPECT_TRUE(why("alice", "k", "", "m\n").starts_with("--models: "));
    EXPECT_TRUE(why("alice", "k", "soon", "m").starts_with("--expires: must be a date"));
    EXPECT_TRUE(why("alice", "k", "2001-01-01", "m").starts_with("--expires: is in the past"));
}

}  // namespace
}  // namespace sluicegate::config
