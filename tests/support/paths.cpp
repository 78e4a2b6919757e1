#include "support/paths.hpp"

namespace sluicegate::support {

std::filesystem::path source_folder() {
    return SLUICEGATE_SOURCE_DIR;
}

std::filesystem::path built_binary() {
    return SLUICEGATE_BINARY;
}

}  // namespace sluicegate::support
