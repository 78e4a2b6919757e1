#pragma once
/// Reads one map strictly: unknown keys and repeated keys are problems.
///
/// If a key is absent or wrong, the typed readers do not change `into`: its default stays.

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
    /// Reports all problems of the keys at once. A null node is an empty map.
    MapReader(Context& context, Value at, Section section);

    /// `key` is one of the section's (asserted). A key without a value is found, as a null node.
    [[nodiscard]] std::optional<Value> find(std::string_view key) const;
    /// find(), and a problem if the key is missing. If this is no map, that was reported before.
    [[nodiscard]] std::optional<Value> require(std::string_view key) const;
    [[nodiscard]] bool has(std::string_view key) const { return find(key).has_value(); }
    /// False for another kind of node, which was reported before.
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
    /// The path of a PEM file that holds certificates.
    void certificates(std::string_view key, std::string& into) const;
    /// The paths of a certificate chain and of its private key.
    void key_pair(std::string_view certificate_key, std::string& certificate,
                  std::string_view private_key_key, std::string& private_key) const;
    /// The path of a file to be written: read_output_path().
    void output_path(std::string_view key, std::string& into) const;

private:
    void report_unknown(const Node& key) const;
    [[nodiscard]] std::string shown_path(std::string_view key, const std::string& path) const;
    /// path(), and a problem if the file's content is wrong. False if there is a problem.
    bool pem(std::string_view key, std::string (*why_not)(const std::string&),
             std::string& into) const;

    Context& context_;
    Value at_;
    const Shape& shape_;
    bool is_map_ = true;
    /// Indexes into the node's keys; the first one of repeated keys.
    std::vector<std::size_t> found_;
};

/// Calls `visit` for each element of a list. It must be a list of 1 … `count_max` elements, else
/// that is a problem. `what` names an element in the message ("a model name").
void for_each_element(Context& context, const Value& at, std::size_t count_max,
                      std::string_view what, const std::function<void(const Value&)>& visit);

/// One entry of a map by name.
struct NamedEntry {
    std::string name;
    const Node* key = nullptr;
    Value value;
};

/// The entries of a map by name, such as `limits` of a user. A null node is an empty map. A
/// repeated name is a problem, and its first entry counts. Names are not checked otherwise.
[[nodiscard]] std::vector<NamedEntry> named_entries(Context& context, const Value& at);

}  // namespace sluicegate::config
