#pragma once
/// Gives the answer of an upstream the name of the model that the client asked for. The bytes of
/// that one value are replaced as they pass; every other byte stays as it is.
///
/// What      the string `model` at the top of the answer, and in events of the responses API that
///           of the `response` inside. A value that is no string stays.
/// Splits    the result does not depend on how the answer is split.
/// Errors    none: text that is no JSON passes, and nothing is checked.
/// Memory    the beginning of a key, 64 bytes.
/// Threads   one answer, one owner.

#include "sluicegate/openai/endpoints.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate::openai {

class ModelRenamer {
public:
    enum class Form : std::uint8_t {
        json,
        events,  ///< each line of data is read as JSON
    };

    ModelRenamer(Endpoint endpoint, Form form, std::string_view name);

    /// The next bytes of the answer, as the client gets them. Valid until the next call.
    [[nodiscard]] std::string_view rename(std::string_view bytes);

private:
    enum class Line : std::uint8_t { field, data, other };
    enum class Text : std::uint8_t { none, key, plain, replaced };

    void take_event_bytes(std::string_view bytes);
    void take_json(std::string_view bytes);
    /// Inside a string; returns how many bytes belong to it.
    std::size_t take_text(std::string_view bytes);
    void take_mark(char c);
    void begin_text();
    void end_key();
    void begin_document() noexcept;
    [[nodiscard]] bool is_on_path() const noexcept {
        return (depth_ == 1 && is_object_) || (depth_ == 2 && is_in_response_);
    }

    std::string name_;  ///< with its quotes
    bool reads_response_;
    bool reads_events_;
    std::string out_;

    // --- of the event stream ---
    Line line_ = Line::field;
    std::size_t field_bytes_ = 0;  ///< of "data:", how many the line has shown
    bool is_line_empty_ = true;

    // --- of the JSON ---
    std::size_t depth_ = 0;
    bool is_object_ = false;       ///< the outermost value
    bool is_in_response_ = false;  ///< the second level is the value of `response`
    bool expects_key_ = false;
    bool is_model_ = false;     ///< the value of this key comes next
    bool is_response_ = false;  ///< the same
    Text text_ = Text::none;
    bool is_escaped_ = false;
    std::string key_;
    bool is_key_long_ = false;
};

}  // namespace sluicegate::openai
