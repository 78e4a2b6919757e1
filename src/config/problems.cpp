#include "config/problems.hpp"

#include "config/node.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace sluicegate::config {

std::uint32_t Problems::add_file(std::string name) {
    files_.push_back(std::move(name));
    return static_cast<std::uint32_t>(files_.size() - 1);
}

void Problems::add(std::uint32_t file, int line, std::string path, std::string message) {
    if (entries_.size() == kept_max) {
        ++dropped_;
        return;
    }
    entries_.push_back({file, entries_.size(),
                        Problem{.file = files_[file],
                                .line = line,
                                .path = std::move(path),
                                .message = std::move(message)}});
}

void Problems::add(const Node& at, std::string path, std::string message) {
    add(at.file, at.line, std::move(path), std::move(message));
}

std::vector<Problem> Problems::take() {
    std::ranges::sort(entries_, {}, [](const Entry& entry) {
        return std::tuple(entry.file, entry.problem.line, entry.order);
    });
    std::vector<Problem> list;
    list.reserve(entries_.size() + 1);
    for (Entry& entry : entries_) list.push_back(std::move(entry.problem));
    if (dropped_ > 0) {
        list.push_back(Problem{.file = files_.front(),
                               .line = 0,
                               .path = "",
                               .message = std::to_string(dropped_) + " more problems"});
    }
    entries_.clear();
    dropped_ = 0;
    return list;
}

std::string place_of(const Problems& problems, const Node& at) {
    return problems.file_name(at.file) + ':' + std::to_string(at.line);
}

}  // namespace sluicegate::config
