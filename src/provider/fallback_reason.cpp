#include "sluicegate/provider/fallback_reason.hpp"

#include "sluicegate/openai/normalise_error.hpp"

#include "provider/words.hpp"

namespace sluicegate::provider {
namespace {

/// In small letters and digits alone, so that `ContextLengthExceeded` is `context_length_exceeded`.
std::string bare(std::string_view text) {
    std::string out;
    for (const char c : lower(text)) {
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
    }
    return out;
}

bool names_context_length(std::string_view code) {
    return holds_any(code, {"contextlength", "contextsize", "contextwindow", "prompttoolong",
                            "inputtoolong", "promptistoolong", "inputistoolong"});
}

bool says_context_length(std::string_view text) {
    if (holds_any(text, {"context length",
                         "context window",
                         "context size",
                         "context limit",
                         "context_length",
                         "context_window",
                         "maximum context",
                         "maximum prompt length",
                         "maximum model length",
                         "max_model_len",
                         "prompt is too long",
                         "prompt too long",
                         "input is too long",
                         "input too long",
                         "input is too large",
                         "too many input tokens",
                         "input tokens exceeded",
                         "reduce the length of the messages",
                         "reduce the length of the prompt",
                         "reduce your prompt"})) {
        return true;
    }
    // Gemini: "The input token count (9) exceeds the maximum number of tokens allowed (8)." Cohere:
    // "total number of tokens in the prompt exceeds the limit of 4081".
    const bool is_of_input =
        holds_any(text, {"input token count", "tokens in the prompt", "prompt tokens",
                         "number of input tokens", "input length", "requested token count"});
    if (is_of_input && holds_any(text, {"exceed", "longer than", "greater than"})) return true;
    // TGI and TEI: "`inputs` must have less than 512 tokens. Given: 600".
    return holds_any(text, {"`inputs` must have less than", "`inputs` tokens + `max_new_tokens`"});
}

bool names_unsupported_parameter(std::string_view code) {
    return holds_any(code, {"unsupportedparam", "unsupportedvalue", "unsupportedfield",
                            "unsupportedarg", "unsupportedoption", "unknownparam", "unknownfield",
                            "unknownarg", "unrecognizedparam", "unrecognizedfield",
                            "unrecognizedarg", "extraforbidden", "valueerrorextra"});
}

bool says_unsupported_parameter(std::string_view text, bool has_param) {
    if (holds_any(text, {"unsupported param", "unsupported value", "unsupported field",
                         "unsupported argument", "unsupported option", "unknown param",
                         "unknown field", "unknown name", "unknown argument",
                         "unrecognized request arg", "unrecognized arg", "unrecognized param",
                         "unrecognized field", "unrecognized key", "unexpected keyword argument",
                         "extra inputs are not permitted", "extra fields not permitted",
                         "extra_forbidden", "additional properties are not allowed"})) {
        return true;
    }
    const bool is_refused =
        holds_any(text, {"not supported", "does not support", "doesn't support", "do not support"});
    return is_refused &&
           (has_param || holds_any(text, {"parameter", "argument", "field", "option", "model"}));
}

}  // namespace

FallbackReason fallback_reason_of(const openai::ApiError& said) {
    const std::string type = bare(said.type);
    const std::string code = bare(said.code);
    const std::string message = lower(said.message);
    if (names_context_length(type) || names_context_length(code) || says_context_length(message)) {
        return FallbackReason::context_length;
    }
    if (names_unsupported_parameter(type) || names_unsupported_parameter(code) ||
        says_unsupported_parameter(message, !said.param.empty())) {
        return FallbackReason::unsupported_parameter;
    }
    return FallbackReason::none;
}

FallbackReason fallback_reason_of(const http::ResponseHead& head, std::string_view body) {
    const auto type = head.fields.find("content-type").value_or(std::string_view());
    return fallback_reason_of(openai::told_error(type, body));
}

}  // namespace sluicegate::provider
