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
constexpr std::uint32_t format = 2;
constexpr std::uint32_t format_without_seals = 1;

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

/// A mark of nothing but zeros is that of a file that was emptied, or never written.
bool may_overwrite(const Header& header) {
    return header.mark == Header().mark || header.mark == header_for(0, 0).mark;
}

bool is_same_file(const struct stat& one, const struct stat& other) {
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

Result<void> lock(int fd, const std::string& file) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return {};
    if (errno == EWOULDBLOCK) {
        return fail(ErrorKind::internal, file + " is in use by another process");
    }
    return fail_with_errno("cannot lock", file);
}

Result<Header> read_header(int fd, const std::string& file) {
    std::array<std::byte, sizeof(Header)> bytes{};
    if (::pread(fd, bytes.data(), bytes.size(), 0) < 0) return fail_with_errno("cannot read", file);
    return read_header(bytes.data());
}

/// Opens the file and locks it, unless it is the one that `held` has locked already.
Result<Descriptor> open_locked(const std::string& file, const Descriptor& held) {
    for (bool is_first = true;; is_first = false) {
        auto opened = open_own_file(file, O_RDWR | O_CREAT);
        if (!opened) return opened;
        struct stat found{};
        struct stat ours{};
        if (::fstat(opened->get(), &found) != 0) return fail_with_errno("cannot read", file);
        if (held.is_open() && ::fstat(held.get(), &ours) == 0 && is_same_file(found, ours)) {
            return Descriptor();
        }
        if (auto locked = lock(opened->get(), file); !locked) return std::move(locked).failure();
        auto header = read_header(opened->get(), file);
        if (!header) return std::move(header).failure();
        if (may_overwrite(*header)) {
            ::fchmod(opened->get(), S_IRUSR | S_IWUSR);
            return opened;
        }
        const std::string aside = file + ".unusable";
        if (!is_first) return fail(ErrorKind::internal, file + " is no journal of sluicegate");
        if (auto checked = may_replace(aside); !checked) return std::move(checked).failure();
        if (::rename(file.c_str(), aside.c_str()) != 0) {
            return fail_with_errno("cannot rename to", aside);
        }
    }
}

/// Zeroed, with all its blocks and a header.
Result<void> make_empty(int fd, std::size_t size_bytes, const Header& header,
                        const std::string& file) {
    if (::ftruncate(fd, 0) != 0) return fail_with_errno("cannot empty", file);
    errno = ::posix_fallocate(fd, 0, static_cast<off_t>(size_bytes));
    if (errno != 0) return fail_with_errno("cannot allocate", file);
    if (::pwrite(fd, &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) {
        return fail_with_errno("cannot write", file);
    }
    return {};
}

Result<std::byte*> map(int fd, std::size_t size_bytes, const std::string& file) {
    void* const mapped = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) return fail_with_errno("cannot map", file);
    return static_cast<std::byte*>(mapped);
}

}  // namespace

Result<JournalFile> JournalFile::open(const std::string& file, std::size_t records) {
    auto opened = open_locked(file, Descriptor());
    if (!opened) return std::move(opened).failure();
    Descriptor descriptor = std::move(*opened);
    const std::size_t size_bytes = header_bytes + records * sizeof(limit::JournalRecord);
    struct stat status{};
    if (::fstat(descriptor.get(), &status) != 0) return fail_with_errno("cannot read", file);
    auto header = read_header(descriptor.get(), file);
    if (!header) return std::move(header).failure();
    Header expected = header_for(records, header->id);
    const bool is_older = header->format == format_without_seals;
    if (is_older) expected.format = format_without_seals;
    const bool is_whole = static_cast<std::uint64_t>(status.st_size) == size_bytes &&
                          header->id != 0 && *header == expected;
    if (!is_whole) {
        *header = header_for(records, new_id());
        auto made = make_empty(descriptor.get(), size_bytes, *header, file);
        if (!made) return std::move(made).failure();
    }
    auto mapped = map(descriptor.get(), size_bytes, file);
    if (!mapped) return std::move(mapped).failure();
    JournalFile journal(file, std::move(descriptor), *mapped, size_bytes);
    journal.id_ = header->id;
    if (is_whole && is_older) {
        limit::Journal::upgrade(journal.ring());
        std::memcpy(journal.mapped_ + offsetof(Header, format), &format, sizeof format);
    }
    return journal;
}

JournalFile::JournalFile(JournalFile&& other) noexcept
    : file_(std::move(other.file_)),
      descriptor_(std::move(other.descriptor_)),
      mapped_(std::exchange(other.mapped_, nullptr)),
      size_bytes_(other.size_bytes_),
      id_(other.id_),
      guard_(std::move(other.guard_)) {
}

JournalFile::~JournalFile() {
    if (mapped_ != nullptr) ::munmap(mapped_, size_bytes_);
}

std::uint64_t JournalFile::new_id() {
    std::random_device random;
    const std::uint64_t id = std::uint64_t{random()} << 32U | random();
    return id == 0 ? 1 : id;
}

void JournalFile::set_id(std::uint64_t id) noexcept {
    std::memcpy(mapped_ + offsetof(Header, id), &id, sizeof id);
    id_ = id;
}

std::size_t JournalFile::records() const noexcept {
    return (size_bytes_ - header_bytes) / sizeof(limit::JournalRecord);
}

std::span<limit::JournalRecord> JournalFile::ring() const noexcept {
    return {reinterpret_cast<limit::JournalRecord*>(mapped_ + header_bytes), records()};
}

std::optional<std::string> JournalFile::loss() const {
    struct stat ours{};
    struct stat named{};
    if (::fstat(descriptor_.get(), &ours) == 0) {
        if (static_cast<std::uint64_t>(ours.st_size) != size_bytes_) return "its size was changed";
        if (ours.st_nlink == 0) return "it was deleted or replaced";
        const bool is_named = ::lstat(file_.c_str(), &named) == 0;
        if (!is_named && (errno == ENOENT || errno == ENOTDIR)) return "it was renamed";
        if (is_named && !is_same_file(ours, named)) return "another file has its name";
    }
    // This look may itself meet no page.
    const bool is_overwritten = read_header(mapped_) != header_for(records(), id_);
    if (guard_.has_failed()) return "the disk has no room for it, or fails, or it was truncated";
    if (is_overwritten) return "it was overwritten";
    return std::nullopt;
}

Result<void> JournalFile::remake() {
    // Stores go to memory first: below, the file may be emptied.
    constexpr int memory = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    constexpr int access = PROT_READ | PROT_WRITE;
    if (::mmap(mapped_, size_bytes_, access, memory, -1, 0) == MAP_FAILED) {
        return fail_with_errno("cannot map memory for", file_);
    }
    auto opened = open_locked(file_, descriptor_);
    if (!opened) return std::move(opened).failure();
    if (opened->is_open()) descriptor_ = std::move(*opened);
    const Header header = header_for(records(), new_id());
    if (auto made = make_empty(descriptor_.get(), size_bytes_, header, file_); !made) return made;
    auto mapped = map(descriptor_.get(), size_bytes_, file_);
    if (!mapped) return std::move(mapped).failure();
    guard_.forget();
    // Moves the mapping in one step: each store goes to the one or to the other.
    constexpr int move = MREMAP_MAYMOVE | MREMAP_FIXED;
    if (::mremap(*mapped, size_bytes_, size_bytes_, move, mapped_) == MAP_FAILED) {
        return fail_with_errno("cannot map", file_);
    }
    id_ = header.id;
    return {};
}

}  // namespace sluicegate::app
