#pragma once
/// What the endpoints of the echo upstream share: reading the request, the words of the answer, and
/// its frames.

#include "sluicegate/openai/echo_answer.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai::echo {

/// The request. The client chooses how many members an object has, so they are looked up in a tree.
using RequestJson = nlohmann::json;
/// The answer. It has few members, in the order of the API reference.
using Json = nlohmann::ordered_json;

/// What an answer needs besides the text of the request.
struct Settings {
    std::int64_t tokens = 0;
    std::int64_t created = 0;
    std::string model;
    /// The part of every id after its prefix. It differs between different requests.
    std::string id;
};

/// The words of one answer. Each word keeps the space before it, so joined words are the text.
struct AnswerWords {
    std::vector<std::string> words;
    bool is_cut = false;  ///< by the request's cap or by the bounds of an answer
    [[nodiscard]] std::int64_t count() const noexcept {
        return static_cast<std::int64_t>(words.size());
    }
    [[nodiscard]] std::string text() const;
};

inline constexpr std::int64_t words_max = 10'000;
inline constexpr std::size_t answer_bytes_max = 8 * 1024 * 1024;

[[nodiscard]] std::int64_t count_words(std::string_view text) noexcept;
/// `cap`: the cap of the request, -1 for none. `share`: how many answers divide words_max.
[[nodiscard]] AnswerWords answer_words(std::string_view message, std::int64_t tokens,
                                       std::int64_t cap, std::int64_t share);

/// The text of a message's content: a string, or the text parts of an array.
[[nodiscard]] std::string content_text(const RequestJson& content);

/// A member, or null.
[[nodiscard]] const RequestJson& member(const RequestJson& object, const char* name);
/// The first of the three caps that the request has, -1 for none. Nothing if it is invalid.
[[nodiscard]] std::optional<std::int64_t> cap_of(const RequestJson& request);
/// `n`. Nothing if it is invalid.
[[nodiscard]] std::optional<std::int64_t> choices_of(const RequestJson& request);

/// All text is valid UTF-8, because it was parsed as JSON.
[[nodiscard]] EchoAnswer json_answer(const Json& body);
[[nodiscard]] EchoAnswer stream_answer(std::vector<std::string> events);
[[nodiscard]] EchoAnswer refusal(std::string_view message, std::string_view param);
[[nodiscard]] std::string data_event(const Json& data);

[[nodiscard]] EchoAnswer answer_chat(const RequestJson& request, const Settings& settings);
[[nodiscard]] EchoAnswer answer_completion(const RequestJson& request, const Settings& settings);
[[nodiscard]] EchoAnswer answer_response(const RequestJson& request, const Settings& settings);
[[nodiscard]] EchoAnswer answer_embeddings(const RequestJson& request, const Settings& settings);

}  // namespace sluicegate::openai::echo
