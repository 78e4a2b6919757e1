#include "sluicegate/http/content_coding.hpp"

#include "sluicegate/http/syntax.hpp"

#include <algorithm>
#include <array>

namespace sluicegate::http {
namespace {

struct NamedCoding {
    std::string_view name;
    ContentCoding coding;
};

constexpr std::array<NamedCoding, 6> named_codings{{{"gzip", ContentCoding::gzip},
                                                    {"x-gzip", ContentCoding::gzip},
                                                    {"deflate", ContentCoding::deflate},
                                                    {"br", ContentCoding::br},
                                                    {"zstd", ContentCoding::zstd},
                                                    {"identity", ContentCoding::identity}}};

constexpr std::string_view coding_field = "content-encoding";

std::string_view without_white_space(std::string_view text) noexcept {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// Adds what one element of the list says. False for what cannot be decoded.
bool add_coding(std::string_view element, ContentCodings& codings) noexcept {
    if (element.empty()) return true;  // RFC 9110, 5.6.1: lists may hold empty elements
    const auto* const known = std::ranges::find_if(named_codings, [&](const NamedCoding& named) {
        return equals_ignoring_case(named.name, element);
    });
    if (known == named_codings.end()) return false;
    return known->coding == ContentCoding::identity || codings.add(known->coding);
}

/// What the first bytes show.
enum class Sight : std::uint8_t { gzip, zstd, text, more_needed, nothing };

constexpr std::string_view gzip_magic = "\x1f\x8b\x08";       // RFC 1952, 2.3.1
constexpr std::string_view zstd_magic = "\x28\xb5\x2f\xfd";   // RFC 8878, 3.1.1
constexpr std::string_view skippable_magic = "\x2a\x4d\x18";  // behind 0x50 to 0x5f, 3.1.2
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
/// Long enough that no coding of deflate or brotli begins with one by chance.
constexpr std::string_view text_marks[] = {"{\"",    "{}",     "{ ", "{\n", "{\r",   "[{",   "[\"",
                                           "[[",     "[]",     "[ ", "[\n", "data:", "id: ", ": ",
                                           "retry:", "event:", "<!", "<h",  "<?x"};

/// Whether `bytes` begin with `mark`, or could once there are more of them.
Sight seen(std::string_view bytes, std::string_view mark, Sight sight) noexcept {
    if (bytes.starts_with(mark)) return sight;
    return mark.starts_with(bytes) ? Sight::more_needed : Sight::nothing;
}

Sight sight_of_text(std::string_view bytes) noexcept {
    const Sight mark = seen(bytes, byte_order_mark, Sight::text);
    if (mark != Sight::nothing) return mark;
    bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
    Sight best = Sight::nothing;
    for (const std::string_view text_mark : text_marks) {
        const Sight sight = seen(bytes, text_mark, Sight::text);
        if (sight == Sight::text) return sight;
        if (sight == Sight::more_needed) best = sight;
    }
    return best;
}

Sight sight_of(std::string_view bytes) noexcept {
    if (bytes.empty()) return Sight::more_needed;
    const auto first = static_cast<unsigned char>(bytes.front());
    if (bytes.front() == gzip_magic.front()) return seen(bytes, gzip_magic, Sight::gzip);
    if (bytes.front() == zstd_magic.front()) return seen(bytes, zstd_magic, Sight::zstd);
    const Sight text = sight_of_text(bytes);
    const bool may_be_skippable = first >= 0x50 && first <= 0x5f;
    if (text == Sight::text || !may_be_skippable) return text;
    const Sight skippable = seen(bytes.substr(1), skippable_magic, Sight::zstd);
    return skippable == Sight::nothing ? text : skippable;
}

}  // namespace

std::string_view name_of(ContentCoding coding) noexcept {
    for (const NamedCoding& named : named_codings) {
        if (named.coding == coding) return named.name;
    }
    return {};
}

std::optional<ContentCodings> content_codings_of(const FieldTable& fields) noexcept {
    ContentCodings codings;
    if (!fields.find(coding_field)) return codings;
    for (const Field& field : fields) {
        if (!equals_ignoring_case(field.name, coding_field)) continue;
        std::string_view rest = field.value;
        for (;;) {
            const std::size_t comma = rest.find(',');
            if (!add_coding(without_white_space(rest.substr(0, comma)), codings)) {
                return std::nullopt;
            }
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return codings;
}

std::optional<ContentCodings> codings_by_sight(ContentCodings named, std::string_view beginning,
                                               bool is_all) noexcept {
    if (beginning.empty()) return is_all ? std::optional(named) : std::nullopt;
    const char first = beginning.front();
    const bool may_be_magic = first == gzip_magic.front() || first == zstd_magic.front();
    if (named.empty() && !may_be_magic) return named;
    const Sight sight = sight_of(beginning);
    const bool is_enough = is_all || beginning.size() >= sight_bytes;
    if (sight == Sight::more_needed && !is_enough) return std::nullopt;
    if (sight == Sight::text) {
        named.clear();
    } else if (sight == Sight::gzip || sight == Sight::zstd) {
        const auto coding = sight == Sight::gzip ? ContentCoding::gzip : ContentCoding::zstd;
        if (named.last() == coding) return named;
        if (!named.empty()) named.drop_last();
        static_cast<void>(named.add(coding));
    } else {
        while (named.last() == ContentCoding::gzip || named.last() == ContentCoding::zstd) {
            named.drop_last();
        }
    }
    return named;
}

}  // namespace sluicegate::http
