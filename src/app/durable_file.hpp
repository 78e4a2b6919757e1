#pragma once
/// A file that is replaced as a whole or not at all, also when the machine stops in between.
///
/// The new content goes to NAME.tmp in the same folder; commit() makes it durable, then gives it
/// the name. Only its owner may read it. Without commit() the old file stays and NAME.tmp goes.
/// Ours       only a file that this process's user alone could have written is read or replaced:
///            a regular one, no symbolic link, with one name, that others may not write to.
/// Errors     say which step failed, on which file, and why.

#include "sluicegate/base/descriptor.hpp"
#include "sluicegate/base/result.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace sluicegate::app {

/// Opens a file that is ours, with `flags` of open(2) and O_NOFOLLOW. Errors: what is wrong with it
/// and what to do; with O_CREAT, one is made that its owner alone may read. Without O_CREAT, a
/// descriptor that is not open says that there is no such file.
Result<Descriptor> open_own_file(const std::string& file, int flags);
/// Nothing, or a file that is ours, has this name. Errors: as of open_own_file().
Result<void> may_replace(const std::string& file);

class DurableFile {
public:
    static Result<DurableFile> create(const std::string& file);
    DurableFile(DurableFile&& other) noexcept = default;
    DurableFile& operator=(DurableFile&& other) = delete;
    ~DurableFile();

    Result<void> write(std::string_view bytes);
    Result<void> commit();

private:
    DurableFile(std::string file, Descriptor descriptor)
        : file_(std::move(file)), descriptor_(std::move(descriptor)) {}
    [[nodiscard]] std::string temporary() const { return file_ + ".tmp"; }

    std::string file_;
    Descriptor descriptor_;  ///< open until it was committed
};

/// The content of a file that is ours; none when there is no such file.
Result<std::pair<bool, std::string>> read_file_if_any(const std::string& file,
                                                      std::size_t bytes_max);

}  // namespace sluicegate::app
