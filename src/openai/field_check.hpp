#pragma once
/// Sees that each known field of one body is there once, in its right spelling.

#include "sluicegate/base/result.hpp"
#include "sluicegate/openai/body_fields.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai {

class FieldCheck {
public:
    explicit FieldCheck(const FieldNames& names) noexcept : names_(names) {}

    /// A known name was found; `sent` is how it is written, where that is not right. Errors:
    /// duplicate_field.
    [[nodiscard]] Result<void> take(FieldNames::Found found, std::string_view sent);
    /// After the last name. Errors: misspelt_field.
    [[nodiscard]] Result<void> finish() const;

private:
    struct Misspelt {
        std::size_t number = 0;
        std::string sent;
    };

    const FieldNames& names_;
    FieldSet seen_;
    std::optional<Misspelt> misspelt_;  ///< the first
};

/// The subject of misspelt_field. `sent` is cut where it is long.
[[nodiscard]] std::string misspelt_subject(std::string_view right, std::string_view sent);

/// Of `background` and `service_tier`: what `value` makes of the field. Nothing where it does no
/// harm: false; auto and default. A text comes without its quotes.
[[nodiscard]] std::optional<Field> harmful_field(Field field, std::string_view value) noexcept;

}  // namespace sluicegate::openai
