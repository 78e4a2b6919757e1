#include "sluicegate/openai/model_renamer.hpp"

#include "sluicegate/base/json_text.hpp"

#include "openai/json_text.hpp"

#include <algorithm>

namespace sluicegate::openai {
namespace {

/// With each letter escaped, the longest key that matters has 48.
constexpr std::size_t key_bytes_kept = 64;
constexpr std::string_view data_field = "data:";

/// The raw text of a key is `wanted`, escaped or not.
bool is_key(std::string_view raw, std::string_view wanted) {
    if (raw == wanted) return true;
    return has_escape(raw) && has_valid_escapes(raw) && decode_string(raw) == wanted;
}

bool ends_line(char c) noexcept {
    return c == '\n' || c == '\r';
}

}  // namespace

ModelRenamer::ModelRenamer(Endpoint endpoint, Form form, std::string_view name)
    : reads_response_(endpoint == Endpoint::responses && form == Form::events),
      reads_events_(form == Form::events) {
    append_json_string(name_, name);
}

std::string_view ModelRenamer::rename(std::string_view bytes) {
    out_.clear();
    if (reads_events_) {
        take_event_bytes(bytes);
    } else {
        take_json(bytes);
    }
    return out_;
}

void ModelRenamer::take_event_bytes(std::string_view bytes) {
    while (!bytes.empty()) {
        if (ends_line(bytes.front())) {
            // A blank line ends the event, and with it the document.
            if (is_line_empty_) begin_document();
            out_ += bytes.front();
            bytes.remove_prefix(1);
            line_ = Line::field;
            field_bytes_ = 0;
            is_line_empty_ = true;
            continue;
        }
        is_line_empty_ = false;
        if (line_ == Line::field) {
            const bool is_data = bytes.front() == data_field[field_bytes_];
            if (is_data && ++field_bytes_ == data_field.size()) line_ = Line::data;
            if (!is_data) line_ = Line::other;
            out_ += bytes.front();
            bytes.remove_prefix(1);
            continue;
        }
        const auto* const end = std::find_if(bytes.begin(), bytes.end(), ends_line);
        const std::string_view part(bytes.begin(), end);
        if (line_ == Line::data) {
            take_json(part);
        } else {
            out_ += part;
        }
        bytes.remove_prefix(part.size());
    }
}

void ModelRenamer::begin_document() noexcept {
    depth_ = 0;
    is_object_ = is_in_response_ = expects_key_ = is_model_ = is_response_ = false;
    text_ = Text::none;
    is_escaped_ = false;
}

void ModelRenamer::take_json(std::string_view bytes) {
    while (!bytes.empty()) {
        if (text_ != Text::none) {
            bytes.remove_prefix(take_text(bytes));
            continue;
        }
        const std::size_t size = std::min(bytes.find_first_of("\"{}[],"), bytes.size());
        out_ += bytes.substr(0, size);
        bytes.remove_prefix(size);
        if (bytes.empty()) return;
        const char mark = bytes.front();
        bytes.remove_prefix(1);
        if (mark == '"') {
            begin_text();
        } else {
            out_ += mark;
            take_mark(mark);
        }
    }
}

void ModelRenamer::take_mark(char c) {
    if (c == '{' || c == '[') {
        const bool enters_response =
            reads_response_ && is_on_path() && depth_ == 1 && is_response_ && c == '{';
        ++depth_;
        if (depth_ == 1) is_object_ = c == '{';
        if (depth_ == 2) is_in_response_ = enters_response;
        expects_key_ = is_on_path();
    } else if (c == ',') {
        expects_key_ = is_on_path();
    } else {
        if (depth_ > 0) --depth_;
        expects_key_ = false;
    }
    is_model_ = is_response_ = false;
}

void ModelRenamer::begin_text() {
    text_ = Text::plain;
    if (expects_key_) {
        text_ = Text::key;
        key_.clear();
        is_key_long_ = false;
    } else if (is_model_ && is_on_path()) {
        text_ = Text::replaced;
        out_ += name_;
        return;
    }
    out_ += '"';
}

std::size_t ModelRenamer::take_text(std::string_view bytes) {
    std::size_t size = 0;
    bool has_ended = false;
    while (size < bytes.size() && !has_ended) {
        if (is_escaped_) {
            is_escaped_ = false;
            ++size;
            continue;
        }
        const std::size_t at = std::min(bytes.find_first_of("\"\\", size), bytes.size());
        size = at;
        if (at == bytes.size()) break;
        is_escaped_ = bytes[at] == '\\';
        has_ended = bytes[at] == '"';
        ++size;
    }
    const std::string_view taken = bytes.substr(0, size);
    if (text_ != Text::replaced) out_ += taken;
    if (text_ == Text::key) {
        const std::string_view part = taken.substr(0, taken.size() - (has_ended ? 1 : 0));
        const std::size_t room = key_bytes_kept - key_.size();
        is_key_long_ = is_key_long_ || part.size() > room;
        key_ += part.substr(0, room);
        if (has_ended) end_key();
    }
    if (has_ended) text_ = Text::none;
    return size;
}

void ModelRenamer::end_key() {
    expects_key_ = false;
    if (is_key_long_) return;
    is_model_ = is_key(key_, "model");
    is_response_ = reads_response_ && depth_ == 1 && is_key(key_, "response");
}

}  // namespace sluicegate::openai
