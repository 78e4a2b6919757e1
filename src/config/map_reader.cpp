#include "config/map_reader.hpp"

#include "config/files.hpp"
#include "config/pem.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <cassert>
#include <span>
#include <unordered_map>
#include <utility>

namespace sluicegate::config {
namespace {

std::string join(std::span<const std::string_view> words) {
    std::string text;
    for (const std::string_view word : words) {
        if (!text.empty()) text += ", ";
        text += word;
    }
    return text;
}

std::string child_path(const std::string& parent, std::string_view key) {
    return parent.empty() ? shown_name(key) : parent + '.' + shown_name(key);
}

/// The earlier of two keys with the same text; nothing for the first one.
class FirstKeys {
public:
    explicit FirstKeys(std::span<const Node> keys) : keys_(keys) {
        if (keys.size() > few) seen_.reserve(keys.size());
    }
    [[nodiscard]] std::optional<std::size_t> before(std::size_t index) {
        if (keys_.size() > few) {
            const auto [earlier, is_new] = seen_.emplace(keys_[index].text, index);
            return is_new ? std::nullopt : std::optional(earlier->second);
        }
        for (std::size_t i = 0; i < index; ++i) {
            if (keys_[i].text == keys_[index].text) return i;
        }
        return std::nullopt;
    }

private:
    static constexpr std::size_t few = 16;

    std::span<const Node> keys_;
    std::unordered_map<std::string_view, std::size_t> seen_;
};

/// Indexes of the keys without repetitions, which become problems.
std::vector<std::size_t> first_keys(Context& context, const Value& at) {
    const std::span<const Node> keys = at.node->keys;
    FirstKeys firsts(keys);
    std::vector<std::size_t> first;
    first.reserve(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::optional<std::size_t> earlier = firsts.before(i);
        if (!earlier) {
            first.push_back(i);
            continue;
        }
        context.problems.add(keys[i], child_path(at.path, keys[i].text),
                             "comes twice, first at line " + std::to_string(keys[*earlier].line));
    }
    return first;
}

}  // namespace

MapReader::MapReader(Context& context, Value at, Section section)
    : context_(context), at_(std::move(at)), shape_(shape_of(section)) {
    if (at_.node->kind == Node::Kind::null) return;
    if (at_.node->kind != Node::Kind::map) {
        is_map_ = false;
        add_problem(context_, at_, "must be a map of " + join(shape_.keys) + got_kind(*at_.node));
        return;
    }
    found_ = first_keys(context_, at_);
    for (const std::size_t index : found_) {
        const Node& key = at_.node->keys[index];
        if (std::ranges::find(shape_.keys, key.text) == shape_.keys.end()) report_unknown(key);
    }
}

void MapReader::report_unknown(const Node& key) const {
    const std::string path = child_path(at_.path, key.text);
    if (key.text == "<<") {
        context_.problems.add(key, path, "YAML merge keys are not supported");
        return;
    }
    const auto near = nearest(key.text, shape_.keys);
    context_.problems.add(key, path,
                          near ? "unknown key, did you mean " + std::string(*near) + "?"
                               : "unknown key, known here: " + join(shape_.keys));
}

std::optional<Value> MapReader::find(std::string_view key) const {
    assert(std::ranges::find(shape_.keys, key) != shape_.keys.end());
    for (const std::size_t index : found_) {
        if (at_.node->keys[index].text != key) continue;
        return Value{&at_.node->items[index], child_path(at_.path, key)};
    }
    return std::nullopt;
}

std::optional<Value> MapReader::require(std::string_view key) const {
    auto value = find(key);
    if (!value && is_map_) add_problem(context_, at_, "needs " + std::string(key));
    return value;
}

void MapReader::count(std::string_view key, const Range<std::int64_t>& range,
                      std::optional<std::int64_t>& into) const {
    const auto value = find(key);
    if (!value) return;
    const auto number = read_count(context_, *value, range);
    if (number) into = number;
}

void MapReader::size(std::string_view key, const Range<std::int64_t>& range,
                     std::size_t& into) const {
    const auto value = find(key);
    if (!value) return;
    const auto bytes = read_size(context_, *value, range);
    if (bytes) into = static_cast<std::size_t>(*bytes);
}

void MapReader::boolean(std::string_view key, bool& into) const {
    const auto value = find(key);
    if (!value) return;
    const auto boolean = read_bool(context_, *value);
    if (boolean) into = *boolean;
}

void MapReader::path(std::string_view key, std::string& into) const {
    const auto value = find(key);
    if (!value) return;
    auto path = read_path(context_, *value);
    if (path) into = std::move(*path);
}

/// The path, unless it comes from the environment: such values are never shown.
std::string MapReader::shown_path(std::string_view key, const std::string& path) const {
    const auto value = find(key);
    const bool is_literal = value && value->node->text.find("${") == std::string::npos;
    return is_literal ? path : "the file";
}

bool MapReader::pem(std::string_view key, std::string (*why_not)(const std::string&),
                    std::string& into) const {
    const auto value = find(key);
    if (!value) return false;
    auto path = read_path(context_, *value);
    if (!path) return false;
    into = *std::move(path);
    if (context_.is_off) return false;
    const std::string reason = why_not(into);
    if (!reason.empty()) add_problem(context_, *value, shown_path(key, into) + ' ' + reason);
    return reason.empty();
}

void MapReader::certificates(std::string_view key, std::string& into) const {
    pem(key, why_not_certificates, into);
}

void MapReader::key_pair(std::string_view certificate_key, std::string& certificate,
                         std::string_view private_key_key, std::string& private_key) const {
    const bool has_certificate = pem(certificate_key, why_not_certificates, certificate);
    const bool has_key = pem(private_key_key, why_not_private_key, private_key);
    if (has_certificate) {
        const auto end = end_of_certificate(certificate);
        const std::string text = end ? expiry_text(*end) : "";
        if (!text.empty()) {
            add_warning(context_, *find(certificate_key),
                        shown_path(certificate_key, certificate) + ": the certificate " + text);
        }
    }
    if (has_key) {
        const std::string others = who_else_may(private_key);
        if (!others.empty()) {
            add_warning(context_, *find(private_key_key),
                        shown_path(private_key_key, private_key) + " holds a secret, and " +
                            others + ": chmod 600");
        }
    }
    if (!has_certificate || !has_key) return;
    if (is_pair(certificate, private_key)) return;
    add_problem(context_, *find(private_key_key),
                shown_path(private_key_key, private_key) +
                    " does not belong to the certificate in " +
                    shown_path(certificate_key, certificate));
}

void MapReader::output_path(std::string_view key, std::string& into) const {
    const auto value = find(key);
    if (!value) return;
    auto path = read_output_path(context_, *value);
    if (path) into = std::move(*path);
}

void for_each_element(Context& context, const Value& at, std::size_t count_max,
                      std::string_view what, const std::function<void(const Value&)>& visit) {
    if (at.node->kind != Node::Kind::list) {
        add_problem(context, at, "must be a list" + got_kind(*at.node));
        return;
    }
    if (at.node->items.empty()) {
        add_problem(context, at, "must have at least " + std::string(what) + ", got an empty list");
        return;
    }
    if (at.node->items.size() > count_max) {
        add_problem(context, at,
                    "may have at most " + std::to_string(count_max) + " elements, got " +
                        std::to_string(at.node->items.size()));
        return;
    }
    for (std::size_t i = 0; i < at.node->items.size(); ++i) {
        visit(Value{&at.node->items[i], at.path + '[' + std::to_string(i) + ']'});
    }
}

std::vector<NamedEntry> named_entries(Context& context, const Value& at) {
    std::vector<NamedEntry> entries;
    if (at.node->kind == Node::Kind::null) return entries;
    if (at.node->kind != Node::Kind::map) {
        add_problem(context, at, "must be a map by name" + got_kind(*at.node));
        return entries;
    }
    for (const std::size_t index : first_keys(context, at)) {
        const Node& key = at.node->keys[index];
        entries.push_back({std::string(key.text), &key,
                           Value{&at.node->items[index], child_path(at.path, key.text)}});
    }
    return entries;
}

}  // namespace sluicegate::config
