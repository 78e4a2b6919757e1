#include "app/journal_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace sluicegate::app {
namespace {

constexpr std::size_t header_bytes = 4096;
constexpr std::uint32_t format = 1;

struct Header {
    std::array<char, 20> mark{};
    std::uint32_t format = 0;
    std::uint64_t records = 0;
    std::uint64_t id = 0;

    friend bool operator==(const Header&, const Header&) = default;
};
static_assert(sizeof(Header) <= header_bytes);

Header header_for(std::size_t records, std::uint64_t id) {
    Header header{.format = format, .records = records, .id = id};
    constexpr std::string_view mark = "sluicegate-journal\n";
    std::copy(mark.begin(), mark.end(), header.mark.begin());
    return header;
}

Header read_header(const std::byte* from) {
    Header header;
    std::memcpy(&header, from, sizeof header);
    return header;
}

/// Zeroed, and with all its blocks.
Result<void> allocate(int fd, std::size_t size_bytes, const std::string& file) {
    if (::ftruncate(fd, 0) != 0) return fail_with_errno("cannot empty", file);
    errno = ::posix_fallocate(fd, 0, static_cast<off_t>(size_bytes));
    if (errno != 0) return fail_with_errno("cannot allocate", file);
    return {};
}

}  // namespace

Result<JournalFile> JournalFile::open(const std::string& file, std::size_t records) {
    Descriptor descriptor(
        ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    if (!descriptor.is_open()) return fail_with_errno("cannot open", file);
    const int fd = descriptor.get();
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            return fail(ErrorKind::internal, file + " is in use by another process");
        }
        return fail_with_errno("cannot lock", file);
    }
    const std::size_t size_bytes = header_bytes + records * sizeof(limit::JournalRecord);
    struct stat status{};
    if (::fstat(fd, &status) != 0) return fail_with_errno("cannot read", file);
    const bool has_size = static_cast<std::uint64_t>(status.st_size) == size_bytes;
    if (!has_size) {
        if (auto allocated = allocate(fd, size_bytes, file); !allocated) {
            return std::move(allocated).failure();
        }
    }
    void* mapped = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) return fail_with_errno("cannot map", file);
    JournalFile journal(std::move(descriptor), static_cast<std::byte*>(mapped), size_bytes);

    const Header found = read_header(journal.mapped_);
    if (found.id == 0 || found != header_for(records, found.id)) {
        std::memset(journal.mapped_, 0, size_bytes);
        const Header made = header_for(records, new_id());
        std::memcpy(journal.mapped_, &made, sizeof made);
    }
    return journal;
}

JournalFile::JournalFile(JournalFile&& other) noexcept
    : descriptor_(std::move(other.descriptor_)),
      mapped_(std::exchange(other.mapped_, nullptr)),
      size_bytes_(other.size_bytes_) {
}

JournalFile::~JournalFile() {
    if (mapped_ != nullptr) ::munmap(mapped_, size_bytes_);
}

std::uint64_t JournalFile::id() const noexcept {
    return read_header(mapped_).id;
}

std::uint64_t JournalFile::new_id() {
    std::random_device random;
    const std::uint64_t id = std::uint64_t{random()} << 32U | random();
    return id == 0 ? 1 : id;
}

void JournalFile::set_id(std::uint64_t id) noexcept {
    std::memcpy(mapped_ + offsetof(Header, id), &id, sizeof id);
}

std::span<limit::JournalRecord> JournalFile::ring() const noexcept {
    return {reinterpret_cast<limit::JournalRecord*>(mapped_ + header_bytes),
            (size_bytes_ - header_bytes) / sizeof(limit::JournalRecord)};
}

}  // namespace sluicegate::app
