#include "sluicegate/auth/credentials.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

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

Result<std::string_view> key_of(const PresentedCredentials::Line& line) {
    return line.field == CredentialField::authorization ? key_of_authorization(line.value)
                                                        : checked_key(line.value);
}

bool is_nothing(const Result<std::string_view>& key) noexcept {
    return !key && key.error().kind == ErrorKind::missing_api_key;
}

/// As clients write them.
constexpr std::array<std::string_view, 4> field_names{"Authorization", "api-key", "x-api-key",
                                                      "x-goog-api-key"};

/// "Authorization (2 times) and api-key", for the client.
std::string fields_of(const PresentedCredentials& presented) {
    std::array<unsigned, field_names.size()> counts{};
    for (const auto& line : presented) ++counts[static_cast<std::size_t>(line.field)];
    auto left = std::count_if(counts.begin(), counts.end(), [](unsigned n) { return n > 0; });
    std::string out;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] == 0) continue;
        out += field_names[i];
        if (counts[i] > 1) out += " (" + std::to_string(counts[i]) + " times)";
        --left;
        if (left > 0) out += left == 1 ? " and " : ", ";
    }
    return out;
}

}  // namespace

bool PresentedCredentials::take(std::string_view name, std::string_view value) noexcept {
    std::optional<CredentialField> field;
    switch (name.size()) {
        case 7:
            if (equals_ignoring_case(name, "api-key")) field = CredentialField::api_key;
            break;
        case 9:
            if (equals_ignoring_case(name, "x-api-key")) field = CredentialField::x_api_key;
            break;
        case 13:
            if (equals_ignoring_case(name, "authorization")) field = CredentialField::authorization;
            break;
        case 14:
            if (equals_ignoring_case(name, "x-goog-api-key")) {
                field = CredentialField::x_goog_api_key;
            }
            break;
        default: break;
    }
    if (!field) return false;
    is_overfull_ = is_overfull_ || size_ == lines_.size();
    if (!is_overfull_) lines_[size_++] = {*field, value};
    return true;
}

Result<std::string_view> credential_of(const PresentedCredentials& presented) {
    if (presented.begin() == presented.end()) {
        return fail(ErrorKind::missing_api_key, "no credential field");
    }
    if (presented.is_overfull()) return malformed("too many credential fields");
    Result<std::string_view> found = key_of(*presented.begin());
    for (const auto* line = presented.begin() + 1; line != presented.end(); ++line) {
        Result<std::string_view> key = key_of(*line);
        if (is_nothing(key)) continue;
        const bool is_same = key && found && *key == *found;
        if (!is_nothing(found) && !is_same && (key || found)) {
            return fail(ErrorKind::different_api_keys, {}, fields_of(presented));
        }
        found = std::move(key);
    }
    return found;
}

}  // namespace sluicegate::auth
