#include "support/key_hash.hpp"

#include <gtest/gtest.h>

namespace sluicegate::support {
namespace {

TEST(KeyHash, IsTheSha256OfTheText) {
    // FIPS 180-4, the example of one block.
    EXPECT_EQ(sha256_hex("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace sluicegate::support
