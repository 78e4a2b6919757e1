#include "support/temporary_folder.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace sluicegate::support {

TemporaryFolder::TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sluicegate-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, std::string_view text) const {
    const std::filesystem::path file = path_ / name;
    const std::filesystem::path fresh = path_ / (name + ".new");
    std::ofstream out(fresh, std::ios::binary);
    out << text;
    out.close();
    if (!out) throw std::runtime_error("cannot write " + fresh.string());
    std::filesystem::rename(fresh, file);
    return file.string();
}

}  // namespace sluicegate::support
