#include "sluicegate/limit/state_codec.hpp"

#include <boost/crc.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluicegate::limit {
namespace {

constexpr std::string_view magic = "sluicegate-state";
constexpr std::size_t version_bytes = 4;
constexpr std::size_t checksum_bytes = 4;
constexpr std::uint32_t crc_start = 0xFFFFFFFF;

// Bounds on what a file may say; far beyond what a limiter holds.
constexpr std::size_t name_bytes_max = 4096;
constexpr std::uint64_t names_max = std::uint64_t{1} << 32U;
constexpr std::uint64_t runs_max = 4096;
constexpr std::uint64_t span_ms_max = std::uint64_t{1} << 40U;
constexpr std::uint64_t requests_max = std::uint64_t{1} << 32U;
constexpr std::uint64_t tokens_max = std::uint64_t{1} << 48U;

// The first byte of an entry.
constexpr std::uint8_t end_mark = 0;
constexpr std::uint8_t key_mark = 1;
constexpr std::uint8_t day_bit = 2;
constexpr std::uint8_t shared_bit = 4;

void put_byte(std::string& to, std::uint8_t byte) {
    to.push_back(static_cast<char>(byte));
}

void put_fixed(std::string& to, std::uint32_t number) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        put_byte(to, static_cast<std::uint8_t>(number >> shift));
    }
}

std::uint32_t fixed_at(std::string_view bytes) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        number |= std::uint32_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
    }
    return number;
}

void put(std::string& to, std::uint64_t number) {
    for (; number >= 0x80U; number >>= 7U) {
        put_byte(to, static_cast<std::uint8_t>(number | 0x80U));
    }
    put_byte(to, static_cast<std::uint8_t>(number));
}

void put(std::string& to, std::string_view text) {
    put(to, std::uint64_t{text.size()});
    to.append(text);
}

void put(std::string& to, const std::vector<std::string>& names) {
    put(to, std::uint64_t{names.size()});
    for (const std::string& name : names) put(to, std::string_view(name));
}

/// A small number for a small one of either sign.
std::uint64_t zigzag(std::int64_t number) {
    return (static_cast<std::uint64_t>(number) << 1U) ^ static_cast<std::uint64_t>(number >> 63U);
}

std::int64_t unzigzag(std::uint64_t number) {
    return static_cast<std::int64_t>((number >> 1U) ^ (~(number & 1U) + 1U));
}

/// Takes values off the front. Once a value is missing or out of bounds, all others fail too.
class Cursor {
public:
    explicit Cursor(std::string_view bytes) noexcept : rest_(bytes) {}

    [[nodiscard]] bool has_failed() const noexcept { return failed_; }
    void fail() noexcept { failed_ = true; }
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

    std::uint8_t byte() noexcept {
        if (rest_.empty()) {
            failed_ = true;
            return 0;
        }
        const auto first = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return first;
    }

    std::uint64_t number(std::uint64_t max = ~std::uint64_t{0}) noexcept {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint8_t next = byte();
            const std::uint64_t bits = next & 0x7FU;
            if (shift == 63 && bits > 1) break;
            value |= bits << shift;
            if ((next & 0x80U) != 0) continue;
            if (value > max) break;
            return value;
        }
        failed_ = true;
        return 0;
    }

    std::string_view text() noexcept {
        const std::uint64_t size = number(name_bytes_max);
        if (size > rest_.size()) failed_ = true;
        if (failed_) return {};
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

    std::vector<std::string> names() {
        std::vector<std::string> names;
        const std::uint64_t count = number(names_max);
        // A name takes at least a byte, so a larger count is wrong: it must not cost memory.
        if (count > rest_.size()) failed_ = true;
        for (std::uint64_t i = 0; i < count && !failed_; ++i) names.emplace_back(text());
        return names;
    }

private:
    std::string_view rest_;
    bool failed_ = false;
};

StateHeader take_header(Cursor& from) {
    StateHeader header;
    header.window_ms = from.number(span_ms_max);
    header.clock_ms = from.number(std::uint64_t{1} << 48U);
    header.wall_ms = from.number(std::uint64_t{1} << 48U);
    header.boot_id = from.text();
    header.journal_id = from.number();
    header.journal_from = from.number();
    return header;
}

/// Takes the next key into `key`; false at the end mark, or when the cursor has failed.
bool take_key(Cursor& from, const StateNames& names, KeyState& key) {
    const std::uint8_t mark = from.byte();
    if (mark == end_mark) return false;
    key.window = (mark & day_bit) != 0 ? StateWindow::day : StateWindow::minute;
    key.is_shared = (mark & shared_bit) != 0;
    key.user = UserId{};
    key.model = ModelId{};
    key.runs.clear();
    const auto known_bits = static_cast<std::uint8_t>(key_mark | day_bit | shared_bit);
    bool is_valid = (mark & key_mark) != 0 && (mark & ~known_bits) == 0;
    if (!key.is_shared) {
        const std::uint64_t user = from.number(names_max);
        const std::uint64_t model = from.number(names_max);
        is_valid = is_valid && user < names.users.size() && model < names.models.size();
        key.user = UserId{static_cast<std::uint32_t>(user)};
        key.model = ModelId{static_cast<std::uint32_t>(model)};
    }
    const std::uint64_t runs = from.number(runs_max);
    std::int64_t age_ms = unzigzag(from.number(2 * span_ms_max));
    for (std::uint64_t i = 0; i < runs && !from.has_failed(); ++i) {
        if (i > 0) age_ms -= static_cast<std::int64_t>(from.number(span_ms_max));
        const std::uint64_t requests = from.number(requests_max);
        const std::uint64_t tokens = from.number(tokens_max);
        key.runs.push_back({.age_ms = age_ms, .requests = requests, .tokens = tokens});
    }
    // Each step is within the bounds, but their sum may not be.
    is_valid = is_valid && runs > 0 && age_ms >= -static_cast<std::int64_t>(span_ms_max);
    if (is_valid && !from.has_failed()) return true;
    from.fail();
    return false;
}

/// The CRC-32 after these bytes, from the one before them; crc_text() makes the last one final.
std::uint32_t crc_after(std::uint32_t before, std::string_view bytes) {
    boost::crc_32_type crc(before);
    crc.process_bytes(bytes.data(), bytes.size());
    return crc.get_interim_remainder();
}

std::string crc_text(std::uint32_t crc) {
    std::string bytes;
    put_fixed(bytes, boost::crc_32_type(crc).checksum());
    return bytes;
}

Failure refuse(std::string why) {
    return fail(ErrorKind::internal, std::move(why));
}

}  // namespace

StateEncoder::StateEncoder(const StateHeader& header, const StateNames& names)
    : users_(names.users.size()), models_(names.models.size()), bytes_(magic), crc_(crc_start) {
    put_fixed(bytes_, StateReader::version);
    put(bytes_, header.window_ms);
    put(bytes_, header.clock_ms);
    put(bytes_, header.wall_ms);
    put(bytes_, std::string_view(header.boot_id));
    put(bytes_, header.journal_id);
    put(bytes_, header.journal_from);
    put(bytes_, names.users);
    put(bytes_, names.models);
}

void StateEncoder::add(const KeyState& key) {
    const auto user = static_cast<std::uint32_t>(key.user);
    const auto model = static_cast<std::uint32_t>(key.model);
    if (key.runs.empty() || (!key.is_shared && (user >= users_ || model >= models_))) return;
    put_byte(bytes_,
             static_cast<std::uint8_t>(key_mark | (key.window == StateWindow::day ? day_bit : 0) |
                                       (key.is_shared ? shared_bit : 0)));
    if (!key.is_shared) {
        put(bytes_, std::uint64_t{user});
        put(bytes_, std::uint64_t{model});
    }
    put(bytes_, std::uint64_t{key.runs.size()});
    std::int64_t age_ms = key.runs.front().age_ms;
    put(bytes_, zigzag(age_ms));
    assert(std::ranges::is_sorted(key.runs, std::ranges::greater(), &RunState::age_ms));
    for (std::size_t i = 0; i < key.runs.size(); ++i) {
        const RunState& run = key.runs[i];
        if (i > 0) put(bytes_, static_cast<std::uint64_t>(age_ms - run.age_ms));
        age_ms = run.age_ms;
        put(bytes_, run.requests);
        put(bytes_, run.tokens);
    }
}

std::string StateEncoder::take() {
    crc_ = crc_after(crc_, bytes_);
    return std::exchange(bytes_, {});
}

std::string StateEncoder::finish() {
    put_byte(bytes_, end_mark);
    std::string last = take();
    last += crc_text(crc_);
    return last;
}

Result<StateReader> StateReader::open(std::string_view bytes) {
    if (!bytes.starts_with(magic)) return refuse("is not a state file of sluicegate");
    const std::size_t fixed = magic.size() + version_bytes;
    if (bytes.size() < fixed + checksum_bytes) return refuse("is cut short");
    const std::uint32_t found = fixed_at(bytes.substr(magic.size()));
    if (found != version) {
        return refuse("has format " + std::to_string(found) + ", this sluicegate reads " +
                      std::to_string(version));
    }
    const std::string_view content = bytes.substr(0, bytes.size() - checksum_bytes);
    if (state_checksum(content) != bytes.substr(content.size())) {
        return refuse("is damaged or cut short: its checksum does not match");
    }
    Cursor cursor(content.substr(fixed));
    StateReader reader;
    reader.header_ = take_header(cursor);
    reader.names_.users = cursor.names();
    reader.names_.models = cursor.names();
    reader.keys_ = cursor.rest();
    for (KeyState key; take_key(cursor, reader.names_, key);) {
    }
    if (cursor.has_failed() || !cursor.rest().empty()) {
        return refuse("is against the rules of its format");
    }
    return reader;
}

void StateReader::visit(const std::function<void(const KeyState&)>& act) const {
    Cursor cursor(keys_);
    for (KeyState key; take_key(cursor, names_, key);) act(key);
}

std::string state_checksum(std::string_view bytes) {
    return crc_text(crc_after(crc_start, bytes));
}

}  // namespace sluicegate::limit
