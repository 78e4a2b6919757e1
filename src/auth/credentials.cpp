#include "sluicegate/auth/credentials.hpp"

#include <algorithm>
#include <array>

namespace sluicegate::auth {
namespace {

constexpr std::string_view scheme = "bearer";

constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// `name` is in lower case.
bool equals_ignoring_case(std::string_view text, std::string_view name) noexcept {
    return std::equal(text.begin(), text.end(), name.begin(), name.end(),
                      [](char a, char b) { return lower(a) == b; });
}

bool is_visible_ascii(char c) noexcept {
    return c > ' ' && c < '\x7f';
}

Failure malformed(const char* why) {
    return fail(ErrorKind::invalid_authorization_header, why);
}

Result<std::string_view> checked_key(std::string_view key) {
    if (key.empty()) return fail(ErrorKind::missing_api_key, "the credential field is empty");
    if (key.size() > key_bytes_max) return malformed("the key is too long");
    if (!std::all_of(key.begin(), key.end(), is_visible_ascii)) {
        return malformed("the key has characters other than visible ASCII");
    }
    return key;
}

/// RFC 9110, 11.4: a scheme in any case, at least one space, then the credential.
Result<std::string_view> key_of_authorization(std::string_view value) {
    if (value.empty()) return checked_key(value);
    if (!equals_ignoring_case(value.substr(0, scheme.size()), scheme)) {
        return malformed("the scheme is not Bearer");
    }
    value.remove_prefix(scheme.size());
    if (value.empty()) return checked_key(value);
    if (value.front() != ' ') return malformed("no space after the scheme");
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    return checked_key(value);
}

}  // namespace

bool PresentedCredentials::take(std::string_view name, std::string_view value) noexcept {
    std::optional<std::string_view>* field = nullptr;
    switch (name.size()) {
        case 7:
            if (equals_ignoring_case(name, "api-key")) field = &api_key;
            break;
        case 9:
            if (equals_ignoring_case(name, "x-api-key")) field = &x_api_key;
            break;
        case 13:
            if (equals_ignoring_case(name, "authorization")) field = &authorization;
            break;
        case 14:
            if (equals_ignoring_case(name, "x-goog-api-key")) field = &x_goog_api_key;
            break;
        default: break;
    }
    if (field == nullptr) return false;
    if (field->has_value()) repeated = true;
    *field = value;
    return true;
}

Result<std::string_view> credential_of(const PresentedCredentials& presented) {
    if (presented.repeated) return malformed("a credential field came more than once");
    const std::array<const std::optional<std::string_view>*, 4> fields{
        &presented.authorization, &presented.api_key, &presented.x_api_key,
        &presented.x_goog_api_key};
    const auto is_present = [](const auto* field) { return field->has_value(); };
    const auto first = std::find_if(fields.begin(), fields.end(), is_present);
    if (first == fields.end()) return fail(ErrorKind::missing_api_key, "no credential field");
    if (std::any_of(first + 1, fields.end(), is_present)) {
        return malformed("more than one credential field");
    }
    const std::string_view value = ***first;
    return presented.authorization ? key_of_authorization(value) : checked_key(value);
}

}  // namespace sluicegate::auth
