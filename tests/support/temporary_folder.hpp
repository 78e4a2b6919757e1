#pragma once
/// A temporary folder of one test. It is removed with its contents when the object is destroyed.

#include <filesystem>
#include <string>
#include <string_view>

namespace sluicegate::support {

class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    /// Writes (or replaces, by rename) a file in it and returns its path.
    std::string write(const std::string& name, std::string_view text) const;
    /// The path of a file in it, which need not be there.
    [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace sluicegate::support
