#pragma once
/// The list of mistakes. Every part of load() adds to it, so an admin sees all mistakes at once.

#include "sluicegate/config/problem.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluicegate::config {

struct Node;

class Problems {
public:
    /// Further problems are only counted: a wrong file (a log, a database) has one in every line.
    static constexpr std::size_t kept_max = 1000;

    /// The index that nodes of the file carry.
    std::uint32_t add_file(std::string name);
    [[nodiscard]] const std::string& file_name(std::uint32_t file) const { return files_[file]; }

    /// All files, by index.
    [[nodiscard]] const std::vector<std::string>& files() const noexcept { return files_; }

    void add(std::uint32_t file, int line, std::string path, std::string message);
    void add(const Node& at, std::string path, std::string message);
    [[nodiscard]] std::size_t count() const noexcept { return entries_.size() + dropped_; }

    /// Sorted by file, in the order of add_file(), then by line.
    [[nodiscard]] std::vector<Problem> take();

private:
    struct Entry {
        std::uint32_t file;
        std::size_t order;  ///< of its report
        Problem problem;
    };
    std::vector<std::string> files_;
    std::vector<Entry> entries_;
    std::size_t dropped_ = 0;
};

/// "sluicegate.yaml:14"
[[nodiscard]] std::string place_of(const Problems& problems, const Node& at);

}  // namespace sluicegate::config
