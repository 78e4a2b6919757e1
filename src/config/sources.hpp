#pragma once
/// The YAML files of one configuration: the main file and the files that it includes.

#include "config/context.hpp"
#include "config/map_reader.hpp"
#include "config/node.hpp"

#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {

class Sources {
public:
    static constexpr std::size_t file_bytes_max = std::size_t{64} << 20;
    static constexpr std::size_t files_max = 10'000;
    static constexpr std::size_t include_depth_max = 8;

    Sources(Problems& problems, const Environment& environment);

    /// Reads `file` and the files that it includes.
    void read(const std::string& file);

    /// Null if the main file is not YAML.
    [[nodiscard]] const Node* main() const noexcept;
    /// Reports top-level keys of included files that are unknown or belong to the main file.
    void check_included(Context& context) const;
    /// The entries of a section to which included files may add, in the order of the files.
    /// Repeated and invalid names are problems.
    [[nodiscard]] std::vector<NamedEntry> merged(Context& context, std::string_view section) const;
    [[nodiscard]] Context context() {
        return Context{problems_, environment_, folders_, secret_files_, warnings_};
    }
    /// Size of all texts.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    /// Hexadecimal SHA-256 over all texts.
    [[nodiscard]] std::string digest() const;

private:
    void read_one(const std::string& file, const Node* from, std::string path);
    void read_includes(const Node& tree);
    void read_included(const Value& at);

    Problems& problems_;
    const Environment& environment_;
    NodeStore store_;
    std::deque<Node> trees_;  // a deque, because pointers to nodes must stay valid
    std::vector<std::string> folders_;
    std::set<std::string> secret_files_;
    std::vector<Problem> warnings_;
    std::vector<std::string> open_;  // the chain of includes down to the file being read
    std::vector<std::string> read_;  // canonical paths of all files, sorted
    std::size_t bytes_ = 0;
    std::string digests_;  // the SHA-256 of each file in turn
};

}  // namespace sluicegate::config
