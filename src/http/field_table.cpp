#include "sluicegate/http/field_table.hpp"

#include "sluicegate/http/syntax.hpp"

#include "http/octets.hpp"

namespace sluicegate::http {
namespace {

/// Nearly all names of a head differ in size or first letter.
bool has_name(const Field& field, std::string_view name) noexcept {
    if (field.name.size() != name.size() || name.empty()) return false;
    return lower(field.name.front()) == lower(name.front()) &&
           same_size_equals_ignoring_case(field.name, name);
}

}  // namespace

std::optional<std::string_view> FieldTable::find_among_all(std::string_view name) const noexcept {
    for (const Field& field : *this) {
        if (has_name(field, name)) return field.value;
    }
    return std::nullopt;
}

std::size_t FieldTable::count(std::string_view name) const noexcept {
    std::size_t found = 0;
    for (const Field& field : *this) {
        if (has_name(field, name)) ++found;
    }
    return found;
}

}  // namespace sluicegate::http
