#include "sluicegate/admin/query.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace sluicegate::admin {
namespace {

std::string decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::uint8_t byte = 0;
        const char* digits = text.data() + i + 1;
        if (text[i] == '%' && text.size() - i > 2 &&
            std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
            out += static_cast<char>(byte);
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

}  // namespace

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const std::string_view parameter = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(parameter.size() + 1, query.size()));
        const std::size_t equals = parameter.find('=');
        if (decoded(parameter.substr(0, equals)) != name) continue;
        return equals == parameter.npos ? std::string() : decoded(parameter.substr(equals + 1));
    }
    return std::nullopt;
}

}  // namespace sluicegate::admin
