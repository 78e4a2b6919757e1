/// A state file under a checksum that fits it is refused, or read and written again without loss.

#include "sluicegate/limit/state_codec.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sluicegate::limit;
    std::string bytes(reinterpret_cast<const char*>(data), size);
    bytes += state_checksum(bytes);
    const auto reader = StateReader::open(bytes);
    if (!reader) return 0;
    std::vector<KeyState> keys;
    StateEncoder encoder(reader->header(), reader->names());
    reader->visit([&](const KeyState& key) {
        keys.push_back(key);
        encoder.add(key);
    });
    const std::string again = encoder.finish();
    const auto second = StateReader::open(again);
    if (!second || second->header() != reader->header() || second->names() != reader->names()) {
        std::abort();
    }
    std::size_t i = 0;
    second->visit([&](const KeyState& key) {
        if (i == keys.size() || !(key == keys[i++])) std::abort();
    });
    if (i != keys.size()) std::abort();
    return 0;
}
