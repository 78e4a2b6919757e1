#pragma once
/// The text of one YAML file as a tree of values with line numbers.
///
/// Unlike the trees of YAML libraries it keeps duplicate keys, so that they can be refused, and the
/// line of every key. It distinguishes quoted from plain scalars and is bounded while it is built.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string_view>

namespace sluicegate::config {

class Problems;

/// Views of the memory that a NodeStore keeps.
struct Node {
    enum class Kind : std::uint8_t { null, scalar, list, map };

    Kind kind = Kind::null;
    bool is_quoted = false;       ///< a scalar in quotes or a block scalar
    std::uint32_t file = 0;       ///< index given to parse_yaml()
    int line = 0;                 ///< from 1
    std::string_view text;        ///< of a scalar
    std::span<const Node> items;  ///< of a list, or the values of a map
    std::span<const Node> keys;   ///< of a map, one for each of `items`; each is a scalar or null
};

struct Member {
    const Node* key = nullptr;
    const Node* value = nullptr;
};
/// The first member of a map with this key; nothing for another kind of node.
[[nodiscard]] std::optional<Member> find_member(const Node& map, std::string_view key);

/// The nodes of all files of a configuration. Bounds how much YAML they may hold together, with
/// aliases written out.
struct NodeStore {
    static constexpr std::size_t nodes_max = 2'000'000;
    static constexpr std::size_t text_bytes_max = std::size_t{64} << 20;
    static constexpr std::size_t depth_max = 32;

    std::size_t nodes = 0;
    std::size_t text_bytes = 0;
    std::unique_ptr<std::pmr::monotonic_buffer_resource> memory =
        std::make_unique<std::pmr::monotonic_buffer_resource>();
};

/// The document in `text`; an empty one is a null node. If it is no YAML or exceeds the bounds of
/// `store`, the result is nothing and a problem of `file`.
[[nodiscard]] std::optional<Node> parse_yaml(std::string_view text, std::uint32_t file,
                                             NodeStore& store, Problems& problems);

}  // namespace sluicegate::config
