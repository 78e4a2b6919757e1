#pragma once
/// The text of one YAML file as a tree of values with line numbers.
///
/// It replaces yaml-cpp's tree: it keeps duplicate keys, so that they can be refused, and the line
/// of every key. It distinguishes quoted from plain scalars and is bounded while it is built.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {

class Problems;

struct Node {
    enum class Kind : std::uint8_t { null, scalar, list, map };

    Kind kind = Kind::null;
    bool is_quoted = false;   ///< a scalar in quotes or a block scalar
    std::uint32_t file = 0;   ///< index given to parse_yaml()
    int line = 0;             ///< from 1
    std::string text;         ///< of a scalar
    std::vector<Node> items;  ///< of a list, or the values of a map
    std::vector<Node> keys;   ///< of a map, one for each of `items`; each is a scalar or null
};

/// How much YAML all files of a configuration may hold together, with aliases expanded.
struct NodeBudget {
    static constexpr std::size_t nodes_max = 2'000'000;
    static constexpr std::size_t text_bytes_max = std::size_t{64} << 20;
    static constexpr std::size_t depth_max = 32;

    std::size_t nodes = 0;
    std::size_t text_bytes = 0;
};

/// The document in `text`; an empty one is a null node. If it is no YAML or exceeds `budget`, the
/// result is nothing and a problem of `file`.
[[nodiscard]] std::optional<Node> parse_yaml(std::string_view text, std::uint32_t file,
                                             NodeBudget& budget, Problems& problems);

}  // namespace sluicegate::config
