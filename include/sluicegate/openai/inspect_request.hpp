#pragma once
/// Reads from a request body what the gateway must know: the model, whether the answer streams, and
/// the caps on its output. The body is checked completely and never rebuilt: the bytes that were
/// checked are the bytes that are sent.
///
/// JSON       one object and nothing else; UTF-8 without BOM; at most 128 levels deep. Keys and
///            values are compared decoded ("mod\u0065l"). A name that FieldNames knows is refused
///            where it appears twice, or in another spelling ("Model"): two parsers could read two
///            different requests. Half a surrogate pair
///            ("\ud83d", which JavaScript writes for a character that was cut) passes in values
///            that the gateway does not read: parsers disagree about its meaning, but not about
///            where the string ends.
/// Multipart  RFC 7578 inside RFC 2046, CRLF only; what stands before the first delimiter and
///            after the last is not sent on. `model`, `stream` and `n` may come before or after
///            the files. The rule for names is that of JSON.
/// null       counts as absent, as in the API (a null model is a missing model).
/// Errors     invalid_json (subject: byte offset, or "" where unknown), invalid_body,
///            empty_body, duplicate_field, misspelt_field, invalid_type, missing_model,
///            unsupported_media_type; the subject of all but the first is the parameter, or "";
///            that of misspelt_field is the right name, a space, and what was sent.
/// Threads    any. Each thread keeps one parser, so a warm thread allocates nothing to parse. The
///            parser's memory is bounded: see retained_body_bytes.
/// Source     RFC 8259, 7578, 2046; docs/request-path.md.

#include "sluicegate/base/result.hpp"
#include "sluicegate/openai/body_fields.hpp"
#include "sluicegate/openai/endpoints.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate::openai {

/// A range of bytes in a body.
struct ByteRange {
    std::size_t offset = 0;
    std::size_t size = 0;

    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// What the prompt is made of, for an estimate of its tokens (metering.hpp).
struct PromptSize {
    /// Bytes of strings and keys between their quotes, and of the text fields of a form.
    std::int64_t text_bytes = 0;
    /// Number of numbers and literals, which token ids are.
    std::int64_t values = 0;
    /// Number of `data:` URLs, long base64 texts, image URLs, and files of a form that are no
    /// audio. Their bytes are in no other field.
    std::int64_t media_parts = 0;
    /// Bytes of the files of a form of an audio endpoint.
    std::int64_t audio_bytes = 0;

    friend bool operator==(const PromptSize&, const PromptSize&) = default;
};

/// It stays in the frame of the coroutine that answers, so its small members stand side by side.
struct Inspection {
    /// Decoded: 1 … 256 bytes of UTF-8 without control characters.
    std::string model;
    /// The whole JSON string with its quotes, or the value of the multipart part. Of a JSON null in
    /// its place, that. Where there is none, the place for one: empty.
    ByteRange model_value;
    /// The largest of the fields that cap the output of the endpoint (metering.hpp), at most
    /// output_cap_max. -1 if there is none, or if one of them is -1, which self-hosted upstreams
    /// read as "no limit".
    std::int64_t output_cap = -1;
    /// `n`, or the larger `best_of`: 1 … choices_max.
    std::int32_t choices = 1;
    /// `n` alone: how many choices the answer to each prompt has.
    std::int32_t returned_choices = 1;
    /// For completions the number of prompts in an array, each of which gets its own answer; else
    /// 1.
    std::int32_t prompts = 1;
    /// The client wants an event stream: `stream`, or `stream_format: "sse"` of audio_speech. Never
    /// true for an endpoint that does not stream.
    bool is_streaming = false;
    bool is_multipart = false;
    /// The body has no member or part named model; the one that the URL or the configuration names
    /// is to be added at model_value.
    bool is_model_absent = false;
    /// The JSON object has no members. Only if is_model_absent.
    bool is_body_empty = false;
    bool has_stream_options = false;
    /// The object has no members.
    bool stream_options_empty = false;
    /// stream_options.include_usage is true.
    bool wants_usage = false;
    /// stream_options.continuous_usage_stats is true.
    bool wants_continuous_usage = false;
    /// The object with its braces if has_stream_options; else the null in its place, or empty if
    /// there is no such member. Of a multipart body, which has none: form().
    ByteRange stream_options;
    /// The values of these two members of stream_options; empty when absent.
    ByteRange include_usage;
    ByteRange continuous_usage_stats;
    PromptSize prompt;
    /// The value that the prompt begins with: `messages` of chat_completions, `input` of responses
    /// and embeddings, `prompt` of completions. Empty if it is absent, and for other endpoints.
    /// Only affinity_hash() reads it.
    ByteRange conversation;
    /// The known fields that are there with a value other than null. The ids of files and vector
    /// stores are among them at any depth of the body, except in `metadata`.
    FieldSet fields;
    /// Of a multipart body: from its first delimiter to its last. What comes before and after
    /// (preamble and epilogue) is not sent on.
    [[nodiscard]] ByteRange form() const noexcept { return stream_options; }
    /// The ids of what the request goes on from; "" if there is none.
    std::string previous_response_id;
    std::string conversation_id;
};

/// Readable bytes that must follow a body for inspect_json. Their values do not matter.
inline constexpr std::size_t body_padding = 64;
inline constexpr std::size_t model_bytes_max = 256;
inline constexpr std::size_t json_depth_max = 128;
/// Brackets, commas, colons, strings and other values of a JSON text: those of two million token
/// ids. It bounds the index to 16 MiB.
inline constexpr std::size_t json_tokens_max = std::size_t{4} << 20;
inline constexpr std::int32_t choices_max = 128;
/// A larger cap counts as this one, so that cap x choices cannot overflow.
inline constexpr std::int64_t output_cap_max = 1'000'000'000'000;
/// The largest body after which a thread keeps its index memory (4 bytes per token).
inline constexpr std::size_t retained_body_bytes = 256 * 1024;
inline constexpr std::size_t multipart_parts_max = 256;
inline constexpr std::size_t multipart_part_head_bytes_max = 8 * 1024;
/// Boundaries of a form that stand inside a line of a part. Each costs a new search.
inline constexpr std::size_t multipart_inner_boundaries_max = 4096;

/// Chooses the parser by the media type. `content_type` is the header field, "" when absent.
/// `default_model` is that of a body that names none: from the URL or the configuration, valid as a
/// name of a model; "" if there is none.
[[nodiscard]] Result<Inspection> inspect(Endpoint endpoint, std::string_view content_type,
                                         const char* data, std::size_t size,
                                         const FieldNames& names = FieldNames::own(),
                                         std::string_view default_model = {});
[[nodiscard]] Result<Inspection> inspect_json(Endpoint endpoint, const char* data, std::size_t size,
                                              const FieldNames& names = FieldNames::own(),
                                              std::string_view default_model = {});
[[nodiscard]] Result<Inspection> inspect_multipart(Endpoint endpoint, std::string_view content_type,
                                                   std::string_view body,
                                                   const FieldNames& names = FieldNames::own(),
                                                   std::string_view default_model = {});

}  // namespace sluicegate::openai
