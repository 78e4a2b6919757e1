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
bool add_coding(std::string_view element, ContentCoding& coding) noexcept {
    if (element.empty()) return true;  // RFC 9110, 5.6.1: lists may hold empty elements
    const auto* const known = std::ranges::find_if(named_codings, [&](const NamedCoding& named) {
        return equals_ignoring_case(named.name, element);
    });
    if (known == named_codings.end()) return false;
    if (known->coding == ContentCoding::identity) return true;
    if (coding != ContentCoding::identity) return false;
    coding = known->coding;
    return true;
}

}  // namespace

std::string_view name_of(ContentCoding coding) noexcept {
    for (const NamedCoding& named : named_codings) {
        if (named.coding == coding) return named.name;
    }
    return {};
}

std::optional<ContentCoding> content_coding_of(const FieldTable& fields) noexcept {
    ContentCoding coding = ContentCoding::identity;
    if (!fields.find(coding_field)) return coding;
    for (const Field& field : fields) {
        if (!equals_ignoring_case(field.name, coding_field)) continue;
        std::string_view rest = field.value;
        for (;;) {
            const std::size_t comma = rest.find(',');
            if (!add_coding(without_white_space(rest.substr(0, comma)), coding)) {
                return std::nullopt;
            }
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return coding;
}

}  // namespace sluicegate::http
