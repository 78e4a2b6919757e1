#include "config/sources.hpp"

#include "config/digest.hpp"
#include "config/files.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace sluicegate::config {
namespace {

constexpr std::array<std::string_view, 4> main_file_keys{"server", "admin", "limiter", "log"};

std::string folder_of(const std::string& file) {
    return std::filesystem::path(file).parent_path().string();
}

struct Listing {
    std::vector<std::string> files;
    std::string error;
};

/// The *.yaml files of a folder in the order of their names. Hidden files are left out, because
/// editors store unfinished copies under such names.
Listing list_folder(const std::string& folder) {
    Listing listing;
    std::error_code error;
    std::filesystem::directory_iterator entry(folder, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (!name.ends_with(".yaml") || name.starts_with('.')) continue;
        listing.files.push_back(entry->path().string());
    }
    if (error) listing.error = error.message();
    std::ranges::sort(listing.files);
    return listing;
}

}  // namespace

Sources::Sources(Problems& problems, const Environment& environment)
    : problems_(problems), environment_(environment) {
}

void Sources::read(const std::string& file) {
    read_one(file, nullptr, "");
}

const Node* Sources::main() const noexcept {
    return trees_.empty() || trees_.front().file != 0 ? nullptr : &trees_.front();
}

void Sources::read_one(const std::string& file, const Node* from, std::string path) {
    const auto refuse = [&](const std::string& message) {
        if (from != nullptr) {
            problems_.add(*from, std::move(path), message + ": " + file);
        } else {
            problems_.add(problems_.add_file(file), 0, "", message);
        }
    };
    std::error_code ignored;
    const std::string canonical = std::filesystem::weakly_canonical(file, ignored).string();
    if (std::ranges::find(open_, canonical) != open_.end()) {
        return refuse("the file includes itself, directly or through others");
    }
    const auto place = std::ranges::lower_bound(read_, canonical);
    if (place != read_.end() && *place == canonical) {
        return refuse("the file is included already");
    }
    if (open_.size() > include_depth_max) {
        return refuse("includes may be nested at most " + std::to_string(include_depth_max) +
                      " levels deep");
    }
    if (read_.size() == files_max) {
        return refuse("a configuration may have at most " + std::to_string(files_max) + " files");
    }
    const FileText text = read_file(file, file_bytes_max);
    if (!text.error.empty()) return refuse("cannot be read: " + text.error);

    read_.insert(place, canonical);
    digests_ += sha256_hex(text.text);
    bytes_ += text.text.size();
    const std::uint32_t index = problems_.add_file(file);
    folders_.push_back(folder_of(file));
    std::optional<Node> tree = parse_yaml(text.text, index, store_, problems_);
    if (!tree) return;
    const Node& kept = trees_.emplace_back(std::move(*tree));
    if (kept.kind != Node::Kind::map) return;
    open_.push_back(canonical);
    read_includes(kept);
    open_.pop_back();
}

void Sources::read_includes(const Node& tree) {
    const auto include = find_member(tree, "include");
    if (!include) return;
    Context here = context();
    const Value at{include->value, "include"};
    if (at.node->kind != Node::Kind::list) return read_included(at);
    for_each_element(here, at, files_max, "one file",
                     [this](const Value& element) { read_included(element); });
}

void Sources::read_included(const Value& at) {
    Context here = context();
    const auto text = read_text(here, at);
    if (!text) return;
    if (text->text.empty()) {
        add_problem(here, at, "must be a file or a folder");
        return;
    }
    const std::string path = resolve_path(folders_[at.node->file], text->text);
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) return read_one(path, at.node, at.path);
    const Listing listing = list_folder(path);
    if (!listing.error.empty()) {
        add_problem(here, at, "the folder cannot be read: " + listing.error);
        return;
    }
    for (const std::string& file : listing.files) read_one(file, at.node, at.path);
}

std::vector<NamedEntry> Sources::merged(Context& context, std::string_view section) const {
    std::vector<NamedEntry> all;
    std::unordered_map<std::string_view, const Node*> first;
    for (const Node& tree : trees_) {
        const auto map = find_member(tree, section);
        if (!map) continue;
        for (NamedEntry& entry : named_entries(context, Value{map->value, std::string(section)})) {
            const std::string reason = why_not_a_name(entry.name);
            if (!reason.empty()) {
                context.problems.add(*entry.key, entry.value.path, reason);
                continue;
            }
            const auto [earlier, is_new] = first.emplace(entry.key->text, entry.key);
            if (!is_new) {
                context.problems.add(
                    *entry.key, entry.value.path,
                    "defined twice, first at " + place_of(context.problems, *earlier->second));
                continue;
            }
            all.push_back(std::move(entry));
        }
    }
    return all;
}

void Sources::check_included(Context& context) const {
    for (const Node& tree : trees_) {
        if (tree.file == 0) continue;
        const MapReader map(context, Value{&tree, ""}, Section::root);
        for (const std::string_view key : main_file_keys) {
            const auto value = map.find(key);
            if (value) add_problem(context, *value, "may stand in the main file only");
        }
    }
}

std::string Sources::digest() const {
    return sha256_hex(digests_);
}

}  // namespace sluicegate::config
