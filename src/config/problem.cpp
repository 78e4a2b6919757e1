#include "sluicegate/config/problem.hpp"

namespace sluicegate::config {

std::string format(const Problem& problem) {
    std::string line = problem.file;
    if (problem.line > 0) line += ':' + std::to_string(problem.line);
    if (!problem.path.empty()) line += (line.empty() ? "" : ": ") + problem.path;
    return line + (line.empty() ? "" : ": ") + problem.message;
}

}  // namespace sluicegate::config
