#include "sluicegate/app/snapshot_builder.hpp"

#include "sluicegate/auth/authenticate.hpp"
#include "sluicegate/auth/key_hash.hpp"

#include "net/certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

namespace sluicegate::app {
namespace {

using worker::Snapshot;
using Built = std::shared_ptr<const Snapshot>;
using testing::HasSubstr;

config::Config config_of(std::initializer_list<std::string> users,
                         std::initializer_list<std::string> models) {
    config::Config config;
    config.server.listen = {{.host = "127.0.0.1", .port = 0, .tls = std::nullopt}};
    config::Upstream upstream;
    upstream.name = "provider";
    config.upstreams = {upstream};
    for (const std::string& name : models) {
        config.models.push_back({.name = name, .limits = {}, .route = {{}}});
    }
    config.groups = {{.name = "default", .limits = {}}};
    for (const std::string& name : users) {
        config::User user;
        user.name = name;
        user.keys.emplace_back();
        user.keys[0].id = "laptop";
        user.keys[0].sha256 = auth::hash_key("sk-" + name);
        config.users.push_back(user);
    }
    return config;
}

/// Builds snapshots and publishes them, as the daemon does.
struct Builder {
    route::StateRegistry states;
    SnapshotBuilder builder{states};
};

Built build(Builder& builder, config::Config config) {
    auto built = builder.builder.build(std::move(config));
    EXPECT_TRUE(built) << built.error().detail;
    if (!built) return nullptr;
    builder.states.apply((*built)->config, (*built)->routes, Instant());
    return *built;
}

const auth::KeyRecord& key_of(const Built& snapshot, const std::string& user) {
    return *snapshot->keys.find(auth::hash_key("sk-" + user));
}

TEST(SnapshotBuilder, GivesUsersAndModelsTheSameNumbersForTheLifeOfTheProcess) {
    Builder builder;
    const Built first = build(builder, config_of({"alice", "bob"}, {"small", "large"}));
    const UserId alice = key_of(first, "alice").user;
    const UserId bob = key_of(first, "bob").user;
    const ModelId small = first->find_model("small")->id;
    const ModelId large = first->find_model("large")->id;
    EXPECT_NE(alice, bob);
    EXPECT_NE(small, large);

    // Others come in front, bob goes, small is renamed.
    const Built second = build(builder, config_of({"aaron", "alice"}, {"huge", "large", "tiny"}));
    EXPECT_EQ(key_of(second, "alice").user, alice);
    EXPECT_EQ(key_of(second, "alice").user_index, 1U);
    EXPECT_EQ(second->find_model("large")->id, large);
    EXPECT_EQ(second->find_model("small"), nullptr);
    EXPECT_EQ(second->keys.find(auth::hash_key("sk-bob")), nullptr);
    for (const char* fresh : {"huge", "tiny"}) {
        EXPECT_NE(second->find_model(fresh)->id, small) << "a number is never given out again";
        EXPECT_NE(second->find_model(fresh)->id, large);
    }
    EXPECT_NE(key_of(second, "aaron").user, bob);

    // A user or model that comes back has its old number.
    const Built third = build(builder, config_of({"bob"}, {"small"}));
    EXPECT_EQ(key_of(third, "bob").user, bob);
    EXPECT_EQ(third->find_model("small")->id, small);
    EXPECT_EQ(first->find_model("small")->settings->name, "small") << "the old one still stands";
}

TEST(SnapshotBuilder, ResolvesThePlanOfEachUserForEachModel) {
    config::Config config = config_of({"alice", "bob"}, {"small", "large"});
    config.models[0].limits.rpm = 10;
    config.groups[0].limits["large"] = {.rpm = 20};
    config.users[1].limits["*"] = {.rpm = 0};
    Builder builder;
    const Built snapshot = build(builder, std::move(config));
    ASSERT_EQ(snapshot->plans.size(), 2U);
    EXPECT_EQ((*snapshot->plans[0])[0].rpm, 10);
    EXPECT_EQ((*snapshot->plans[0])[1].rpm, 20);
    EXPECT_EQ((*snapshot->plans[1])[0].rpm, 0);
    EXPECT_EQ((*snapshot->plans[1])[1].rpm, 0);
    EXPECT_EQ((*snapshot->plans[0])[0].tpm, std::nullopt);
}

TEST(SnapshotBuilder, AKeyWhoseModelsAreAllOffMayUseNone) {
    config::Config config = config_of({"alice"}, {"small"});
    config.users[0].keys[0].models = {"large"};  // is off: not among the models
    Builder builder;
    const Built snapshot = build(builder, config);
    const ModelId small = snapshot->find_model("small")->id;
    EXPECT_FALSE(auth::may_use(key_of(snapshot, "alice"), small));

    // On after a reload, and off again: the number that "large" has by now changes nothing.
    config.models.push_back({.name = "large", .limits = {}, .route = {{}}});
    const Built on = build(builder, config);
    EXPECT_TRUE(auth::may_use(key_of(on, "alice"), on->find_model("large")->id));
    EXPECT_FALSE(auth::may_use(key_of(on, "alice"), small));
    config.models.pop_back();
    const Built off = build(builder, config);
    EXPECT_FALSE(auth::may_use(key_of(off, "alice"), on->find_model("large")->id));
    EXPECT_FALSE(auth::may_use(key_of(off, "alice"), small));
}

config::Config weighted(std::initializer_list<std::uint32_t> weights) {
    config::Config config = config_of({"alice"}, {"chat"});
    config.models[0].route.clear();
    for (const std::uint32_t weight : weights) {
        config.models[0].route.push_back({.upstream = 0, .weight = weight, .model = {}});
    }
    return config;
}

TEST(SnapshotBuilder, TheTurnOfARouteGoesOnAcrossReloads) {
    Builder builder;
    std::map<std::size_t, int> picks;
    for (int i = 0; i < 100; ++i) {
        const Built snapshot = build(builder, weighted({7, 3}));
        ++picks[snapshot->find_model("chat")->route->pick(0)];
    }
    EXPECT_EQ(picks[0], 70) << "a reload for each request must not favour the first entry";
    EXPECT_EQ(picks[1], 30);
    const Built changed = build(builder, weighted({1, 1}));
    EXPECT_EQ(changed->find_model("chat")->route->pick(0), 0U);
    EXPECT_EQ(changed->find_model("chat")->route->pick(0), 1U);
}

class SnapshotBuilderTls : public testing::Test {
protected:
    config::Config config() {
        config::Config config = config_of({"alice"}, {"chat"});
        config.server.listen[0].tls = {.certificate_file = server.certificate,
                                       .private_key_file = server.key};
        config.upstreams[0].endpoints.push_back(
            {.tls = true, .host = "api.test", .port = 443, .path_prefix = ""});
        config.upstreams[0].tls.ca_file = authority.file();
        return config;
    }

    test::TemporaryFolder folder;
    test::Authority authority{folder, "authority"};
    test::CertificateFiles server = authority.issue("server", {});
    Builder builder;
};

TEST_F(SnapshotBuilderTls, KeepsAContextWhileItsFilesSayTheSame) {
    const Built first = build(builder, config());
    ASSERT_NE(first->listener_tls[0], nullptr);
    ASSERT_NE(first->upstream_tls[0], nullptr);
    const Built second = build(builder, config());
    EXPECT_EQ(second->listener_tls[0], first->listener_tls[0]);
    EXPECT_EQ(second->upstream_tls[0], first->upstream_tls[0]) << "pooled connections stay";

    authority.issue("server", {});  // a new certificate in the same file
    const Built third = build(builder, config());
    EXPECT_NE(third->listener_tls[0], second->listener_tls[0]);
    EXPECT_EQ(third->upstream_tls[0], second->upstream_tls[0]);

    std::ofstream(authority.file(), std::ios::app) << "\n# one more line\n";
    const Built fourth = build(builder, config());
    EXPECT_EQ(fourth->listener_tls[0], third->listener_tls[0]);
    EXPECT_NE(fourth->upstream_tls[0], third->upstream_tls[0]);
}

TEST_F(SnapshotBuilderTls, TakesAuthoritiesOfClientsAnew) {
    const test::Authority clients(folder, "clients");
    config::Config demanding = config();
    demanding.server.listen[0].tls->client_ca_file = clients.file();
    const Built first = build(builder, config());
    const Built second = build(builder, demanding);
    EXPECT_NE(second->listener_tls[0], first->listener_tls[0]);
    EXPECT_EQ(build(builder, demanding)->listener_tls[0], second->listener_tls[0]);
    std::ofstream(clients.file(), std::ios::app) << "\n# one more line\n";
    EXPECT_NE(build(builder, demanding)->listener_tls[0], second->listener_tls[0]);
}

TEST_F(SnapshotBuilderTls, WarnsOnceOfACertificateThatClientsRefuse) {
    EXPECT_TRUE(build(builder, config())->warnings.empty());
    authority.issue("server", {.names = "", .common_name = "gateway.test"});
    config::Config nameless = config();
    nameless.server.listen.push_back(nameless.server.listen[0]);
    nameless.admin.listen = nameless.server.listen[0];
    const Built snapshot = build(builder, nameless);
    ASSERT_EQ(snapshot->warnings.size(), 1U);
    EXPECT_THAT(snapshot->warnings[0], HasSubstr(server.certificate));
    EXPECT_NE(snapshot->admin_tls, nullptr);
    EXPECT_NE(snapshot->admin_tls, snapshot->listener_tls[0]) << "its tickets are its own";
}

TEST_F(SnapshotBuilderTls, AFileThatCannotBeUsedLeavesEverythingAsItWas) {
    const Built first = build(builder, config());
    config::Config broken = config();
    broken.upstreams[0].tls.ca_file = server.key;
    const auto refused = builder.builder.build(std::move(broken));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().detail, HasSubstr(server.key));
    const Built second = build(builder, config());
    EXPECT_EQ(second->listener_tls[0], first->listener_tls[0]);
    EXPECT_EQ(second->upstream_tls[0], first->upstream_tls[0]);
}

TEST_F(SnapshotBuilderTls, PlainListenersAndUpstreamsHaveNoContext) {
    const Built snapshot = build(builder, config_of({"alice"}, {"chat"}));
    EXPECT_EQ(snapshot->listener_tls, std::vector<net::TlsContext>{nullptr});
    EXPECT_EQ(snapshot->upstream_tls, std::vector<net::TlsContext>{nullptr});
}

}  // namespace
}  // namespace sluicegate::app
