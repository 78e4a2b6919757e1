#include "openai/field_check.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::openai {

Result<void> FieldCheck::take(FieldNames::Found found, std::string_view sent) {
    if (seen_[found.number]) {
        return fail(ErrorKind::duplicate_field, "twice in the body",
                    std::string(names_.name_of(found.number)));
    }
    seen_[found.number] = true;
    // A second spelling may follow: then the name is there twice, which says more.
    if (!found.is_exact && !misspelt_) misspelt_ = Misspelt{found.number, std::string(sent)};
    return {};
}

Result<void> FieldCheck::finish() const {
    if (!misspelt_) return {};
    return fail(ErrorKind::misspelt_field, "a known name in another spelling",
                misspelt_subject(names_.name_of(misspelt_->number), misspelt_->sent));
}

std::string misspelt_subject(std::string_view right, std::string_view sent) {
    constexpr std::size_t shown_bytes_max = 64;
    std::size_t size = std::min(sent.size(), shown_bytes_max);
    // Not in the middle of a character.
    while (size < sent.size() && size > 0 &&
           (static_cast<unsigned char>(sent[size]) & 0xC0U) == 0x80U) {
        --size;
    }
    return std::string(right) + ' ' + std::string(sent.substr(0, size));
}

std::optional<Field> harmful_field(Field field, std::string_view value) noexcept {
    if (field == Field::background && value != "false") return Field::running_in_background;
    if (field == Field::service_tier && value != "auto" && value != "default") {
        return Field::other_service_tier;
    }
    return std::nullopt;
}

}  // namespace sluicegate::openai
