#pragma once
/// The names of body fields that matter to the gateway: those that it reads, and those that a
/// configuration denies. Each has a number, so that the fields of a request are a set of bits.
///
/// Spelling  a name is known in every spelling that some parser takes for it: other letter case
///           (U+017F, U+212A, U+0130 and U+0131 are letters in it), other dashes and underscores,
///           a NUL and what follows it. Only one spelling is right; the others are refused, because
///           the gateway and the upstream would read two different requests.
/// Threads   any, once it is built.
/// Source    docs/security.md

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::openai {

/// The fields that the gateway itself reads; other numbers follow.
enum class Field : std::uint8_t {
    model,
    stream,
    stream_options,
    stream_format,
    max_tokens,
    max_completion_tokens,
    max_output_tokens,
    n,
    best_of,
    prompt,
    messages,
    input,
    tools,
    previous_response_id,
    conversation,
    background,
    service_tier,
    encoding_format,  // echo upstreams read these two
    dimensions,
    // Ids of what other users of the account may have stored. They count at any depth.
    file_id,
    file_ids,
    vector_store_ids,
    vector_store_id,
    container,  ///< below the top only as a text: an object describes a new container
    container_id,
    // No names of their own: the two fields with a value that matters.
    running_in_background,  ///< `background`, and not false
    other_service_tier,     ///< `service_tier`, neither auto nor default
    count_
};
inline constexpr auto own_fields = static_cast<std::size_t>(Field::count_);

inline constexpr std::size_t body_fields_max = 256;
using FieldSet = std::bitset<body_fields_max>;

[[nodiscard]] constexpr std::size_t number_of(Field field) noexcept {
    return static_cast<std::size_t>(field);
}

/// `name` as a tolerant parser compares it: letters and digits in lower case. `name` is decoded.
[[nodiscard]] std::string folded_name(std::string_view name);

class FieldNames {
public:
    /// Those of Field.
    FieldNames();
    /// Those of an inner object, with the numbers from 0 on.
    FieldNames(std::initializer_list<std::string_view> names);

    /// The number of `name`, which gets one if it is new. Nothing if all numbers are in use.
    std::optional<std::size_t> add(std::string_view name);
    /// Of a name that was added.
    [[nodiscard]] std::size_t number_of(std::string_view name) const;
    [[nodiscard]] std::string_view name_of(std::size_t number) const noexcept {
        return names_[number];
    }

    struct Found {
        std::size_t number = 0;
        bool is_exact = false;  ///< false: another spelling of the name
    };
    /// `raw` is a key of JSON without its quotes, with valid escapes.
    [[nodiscard]] std::optional<Found> find_key(std::string_view raw) const;
    /// `name` is that of a form's field. Some parsers take `model[]` for model.
    [[nodiscard]] std::optional<Found> find_part(std::string_view name) const;
    /// The fields with ids of stored things that `image[file_id]` or `image.file_id` names below
    /// the top of a form, except in `metadata`.
    [[nodiscard]] FieldSet ids_in_part(std::string_view name) const;

    /// For callers without a configuration: only what the gateway itself reads.
    [[nodiscard]] static const FieldNames& own();

private:
    /// Names to numbers, apart by the size of the name. Of one size there are few names, and nearly
    /// all of these differ in their first letter.
    class Table {
    public:
        void put(std::string_view name, std::size_t number);
        /// The number, or `none`.
        [[nodiscard]] std::size_t find(std::string_view name) const noexcept;
        static constexpr std::size_t none = ~std::size_t{0};

    private:
        struct Entry {
            std::string name;
            std::size_t number = none;
        };
        std::vector<std::vector<Entry>> by_size_;
    };

    [[nodiscard]] std::optional<Found> find_folded(std::string_view name) const;

    std::vector<std::string> names_;
    Table exact_;   ///< and the usual names that are of no interest
    Table folded_;  ///< in every spelling
};

}  // namespace sluicegate::openai
