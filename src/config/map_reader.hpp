#pragma once
/// Strict reading of one map: what is not known is a problem, and so is what comes twice.
///
/// The typed readers leave `into` alone (its default stays) when the key is absent or wrong.

#include "sluicegate/config/nearest.hpp"

#include "config/known_keys.hpp"
#include "config/scalar.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {

class MapReader {
public:
    /// Reports at once everything about the keys. A null node is an empty map.
    MapReader(Context& context, Value at, Section section);

    /// `key` is one of the section's (asserted). A key without a value is found, as a null node.
    [[nodiscard]] std::optional<Value> find(std::string_view key) const;
    /// find(), and a problem when the key is missing. None when this is no map at all: that is
    /// said already.
    [[nodiscard]] std::optional<Value> require(std::string_view key) const;
    [[nodiscard]] bool has(std::string_view key) const { return find(key).has_value(); }
    /// False when there is something else in its place; that is said already.
    [[nodiscard]] bool is_map() const noexcept { return is_map_; }
    [[nodiscard]] const Value& at() const noexcept { return at_; }

    template <std::integral Integer>
    void count(std::string_view key, const Range<std::int64_t>& range, Integer& into) const {
        const auto value = find(key);
        if (!value) return;
        const auto number = read_count(context_, *value, range);
        if (number) into = static_cast<Integer>(*number);
    }
    void count(std::string_view key, const Range<std::int64_t>& range,
               std::optional<std::int64_t>& into) const;
    void size(std::string_view key, const Range<std::int64_t>& range, std::size_t& into) const;
    /// Into Milliseconds, or an optional of it.
    template <class Into>
    void duration(std::string_view key, const Range<Milliseconds>& range, Into& into) const {
        const auto value = find(key);
        if (!value) return;
        const auto span = read_duration(context_, *value, range);
        if (span) into = *span;
    }
    template <std::integral Integer>
    void percent(std::string_view key, const Range<std::int64_t>& range, Integer& into) const {
        const auto value = find(key);
        if (!value) return;
        const auto number = read_percent(context_, *value, range);
        if (number) into = static_cast<Integer>(*number);
    }
    void boolean(std::string_view key, bool& into) const;
    /// A readable file's path.
    void path(std::string_view key, std::string& into) const;
    /// The path of a file to be written: read_output_path().
    void output_path(std::string_view key, std::string& into) const;

private:
    void report_unknown(const Node& key) const;

    Context& context_;
    Value at_;
    const Shape& shape_;
    bool is_map_ = true;
    /// Indexes into the node's keys; the first where one comes twice.
    std::vector<std::size_t> found_;
};

/// Calls `visit` for each element of a list. Anything else than a list of at least one element and
/// at most `count_max` is a problem; `what` names an element in the message ("a model name").
void for_each_element(Context& context, const Value& at, std::size_t count_max,
                      std::string_view what, const std::function<void(const Value&)>& visit);

/// One entry of a map by name.
struct NamedEntry {
    std::string name;
    const Node* key = nullptr;
    Value value;
};

/// The entries of a map by name, such as `limits` of a user. A null node is an empty map; a name
/// that comes twice is a problem, and its first entry stands. Names are not checked otherwise.
[[nodiscard]] std::vector<NamedEntry> named_entries(Context& context, const Value& at);

}  // namespace sluicegate::config
