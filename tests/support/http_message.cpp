#include "support/http_message.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace sluicegate::support {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

std::uint64_t parse_number(std::string_view text, int base) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size()) {
        throw std::runtime_error("not a number: " + std::string(text));
    }
    return value;
}

BodyReader by_fields(const MessageHead& head, BodyReader::Framing otherwise) {
    if (const auto coding = head.find("transfer-encoding")) {
        if (!equals_ignoring_case(*coding, "chunked")) {
            throw std::runtime_error("transfer-encoding: " + *coding);
        }
        if (head.has("content-length")) throw std::runtime_error("two framings in one head");
        return {BodyReader::Framing::chunked, 0};
    }
    if (head.count("content-length") > 1) throw std::runtime_error("two content-lengths");
    if (const auto size = head.find("content-length")) {
        return {BodyReader::Framing::content_length, parse_number(*size, 10)};
    }
    return {otherwise, 0};
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

std::string to_lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

std::optional<std::string> MessageHead::find(std::string_view name) const {
    for (const auto& [field, text] : fields) {
        if (equals_ignoring_case(field, name)) return text;
    }
    return std::nullopt;
}

std::string MessageHead::value(std::string_view name) const {
    return find(name).value_or("");
}

std::size_t MessageHead::count(std::string_view name) const {
    return static_cast<std::size_t>(
        std::count_if(fields.begin(), fields.end(),
                      [&](const auto& field) { return equals_ignoring_case(field.first, name); }));
}

std::optional<MessageHead> take_head(std::string& buffer) {
    const std::size_t end = buffer.find("\r\n\r\n");
    if (end == std::string::npos) return std::nullopt;
    const std::string head = buffer.substr(0, end + 2);
    buffer.erase(0, end + 4);
    MessageHead out;
    std::size_t start = 0;
    while (start < head.size()) {
        const std::size_t line_end = head.find("\r\n", start);
        const std::string_view line(head.data() + start, line_end - start);
        start = line_end + 2;
        if (out.start_line.empty()) {
            out.start_line = line;
            continue;
        }
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0 || line[colon - 1] == ' ') {
            throw std::runtime_error("not a field: " + std::string(line));
        }
        out.fields.emplace_back(line.substr(0, colon), trimmed(line.substr(colon + 1)));
    }
    return out;
}

BodyReader::BodyReader(Framing framing, std::uint64_t size)
    : framing_(framing),
      left_(framing == Framing::content_length ? size : 0),
      is_done_(framing == Framing::none || (framing == Framing::content_length && size == 0)) {
}

BodyReader BodyReader::for_request(const MessageHead& head) {
    return by_fields(head, Framing::none);
}

BodyReader BodyReader::for_response(const MessageHead& head, int status,
                                    std::string_view request_method) {
    if (request_method == "HEAD" || status / 100 == 1 || status == 204 || status == 304) return {};
    return by_fields(head, Framing::until_close);
}

void BodyReader::take(std::string& buffer) {
    switch (framing_) {
        case Framing::none: return;
        case Framing::content_length: {
            const auto size =
                static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffer.size()));
            body_.append(buffer, 0, size);
            buffer.erase(0, size);
            left_ -= size;
            is_done_ = left_ == 0;
            return;
        }
        case Framing::until_close:
            body_ += buffer;
            buffer.clear();
            return;
        case Framing::chunked: take_chunked(buffer); return;
    }
}

void BodyReader::take_chunked(std::string& buffer) {
    std::size_t at = 0;
    while (!is_done_ && !is_broken_) {
        if (in_chunk_) {
            if (left_ > 2) {
                const auto size = static_cast<std::size_t>(
                    std::min<std::uint64_t>(left_ - 2, buffer.size() - at));
                if (size == 0) break;
                body_.append(buffer, at, size);
                at += size;
                left_ -= size;
                continue;
            }
            if (buffer.size() - at < 2) break;
            if (buffer.compare(at, 2, "\r\n") != 0) is_broken_ = true;
            at += 2;
            in_chunk_ = false;
            continue;
        }
        const std::size_t line_end = buffer.find("\r\n", at);
        if (line_end == std::string::npos) break;
        const std::string_view line(buffer.data() + at, line_end - at);
        if (in_trailer_) {
            is_done_ = line.empty();
            at = line_end + 2;
            continue;
        }
        const std::string_view digits = line.substr(0, line.find(';'));
        const bool is_number =
            !digits.empty() && digits.size() <= 15 &&
            digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
        if (!is_number) {
            is_broken_ = true;
            break;
        }
        const std::uint64_t size = parse_number(digits, 16);
        at = line_end + 2;
        if (size == 0) {
            in_trailer_ = true;
        } else {
            chunk_sizes_.push_back(static_cast<std::size_t>(size));
            left_ = size + 2;
            in_chunk_ = true;
        }
    }
    buffer.erase(0, at);
}

void BodyReader::end_of_input() {
    if (framing_ == Framing::until_close) is_done_ = true;
}

}  // namespace sluicegate::support
