#include "sluicegate/provider/fallback_reason.hpp"

#include "sluicegate/openai/normalise_error.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluicegate::provider {
namespace {

FallbackReason reason_of(std::string_view body) {
    return fallback_reason_of(openai::told_error("application/json", body));
}

TEST(FallbackReason, IsAContextThatIsTooLongInTheWordsOfAnyServer) {
    const std::string_view bodies[] = {
        // OpenAI, by its code alone and by its words alone.
        R"x({"error":{"message":"x","type":"invalid_request_error","code":"context_length_excee)x"
        R"x(ded"}})x",
        R"x({"error":{"message":"This model's maximum context length is 8192 tokens, however yo)x"
        R"x(u requested 9000 tokens."}})x",
        R"x({"error":{"message":"Your input exceeds the context window of this model."}})x",
        // vLLM, as an integer code, flat, and as its validation says it.
        R"x({"object":"error","message":"This model's maximum context length is 4096 tokens.",")x"
        R"x(type":"BadRequestError","code":400})x",
        R"x({"error":{"message":"The decoder prompt (length 5000) is longer than the maximum mo)x"
        R"x(del length of 4096.","code":400}})x",
        // SGLang, llama.cpp, Ollama.
        R"x({"message":"The input (5000 tokens) is longer than the model's context length (4096)x"
        R"x( tokens)."})x",
        R"x({"error":{"code":400,"message":"x","type":"exceed_context_size_error","n_prompt_tok)x"
        R"x(ens":9,"n_ctx":8}})x",
        R"x({"error":{"code":500,"message":"request (9 tokens) exceeds the available context si)x"
        R"x(ze (8 tokens)"}})x",
        R"x({"error":"the input length exceeds the context length"})x",
        // Anthropic, Gemini, Bedrock, Mistral, Cohere, xAI.
        R"x({"type":"error","error":{"type":"invalid_request_error","message":"prompt is too lo)x"
        R"x(ng: 210000 tokens > 200000 maximum"}})x",
        R"x({"type":"error","error":{"type":"invalid_request_error","message":"input length and)x"
        R"x( `max_tokens` exceed context limit: 190000 + 20000 > 200000"}})x",
        R"x([{"error":{"code":400,"message":"The input token count (9) exceeds the maximum numb)x"
        R"x(er of tokens allowed (8).","status":"INVALID_ARGUMENT"}}])x",
        R"x({"message":"Input is too long for requested model."})x",
        R"x({"message":"Prompt contains 9 tokens, too large for model with 8 maximum context le)x"
        R"x(ngth"})x",
        R"x({"message":"too many tokens: total number of tokens in the prompt exceeds the limit)x"
        R"x( of 4081"})x",
        R"x({"error":"This model's maximum prompt length is 131072 but the request contains 200)x"
        R"x(000 tokens."})x",
        // TGI, TEI, LiteLLM, FastAPI, plain text.
        R"x({"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 409)x"
        R"x(6. Given: 5000","error_type":"validation"})x",
        R"x({"error":"`inputs` must have less than 512 tokens. Given: 600","error_type":"Valida)x"
        R"x(tion"})x",
        R"x({"error":{"message":"x","type":"ContextWindowExceededError"}})x",
        R"x({"detail":[{"loc":["body"],"msg":"Prompt exceeds the context window","type":"value_)x"
        R"x(error"}]})x",
        "Prompt too long: the context size is 2048",
    };
    for (const std::string_view body : bodies) {
        EXPECT_EQ(reason_of(body), FallbackReason::context_length) << body;
    }
}

TEST(FallbackReason, IsAParameterThatIsNotSupportedInTheWordsOfAnyServer) {
    const std::string_view bodies[] = {
        R"x({"error":{"message":"x","type":"invalid_request_error","param":"t","code":"unsuppor)x"
        R"x(ted_parameter"}})x",
        R"x({"error":{"message":"x","code":"unsupported_value"}})x",
        R"x({"error":{"message":"x","code":"unknown_parameter"}})x",
        R"x({"error":{"message":"Unsupported parameter: 'temperature' is not supported with thi)x"
        R"x(s model."}})x",
        R"x({"error":{"message":"Unsupported value: 'temperature' does not support 0.2 with thi)x"
        R"x(s model."}})x",
        R"x({"error":{"message":"tools is not supported in this model."}})x",
        R"x({"error":{"message":"Unrecognized request argument supplied: foo"}})x",
        R"x({"error":{"message":"'logprobs' is not supported.","param":"logprobs"}})x",
        R"x({"error":"Argument not supported on this model: presencePenalty"})x",
        R"x({"error":{"message":"registry.ollama.ai/x does not support tools","param":"tools"}})x",
        R"x([{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"foo\)x"
        R"x(": Cannot find field."}}])x",
        R"x({"detail":[{"loc":["body","foo"],"msg":"Extra inputs are not permitted","type":"ext)x"
        R"x(ra_forbidden"}]})x",
        R"x({"object":"error","message":"[{'type': 'extra_forbidden', 'loc': ('body', 'foo')}]")x"
        R"x(,"code":400})x",
        R"x({"error":{"message":"x","type":"UnsupportedParamsError"}})x",
        "unexpected keyword argument 'foo'",
    };
    for (const std::string_view body : bodies) {
        EXPECT_EQ(reason_of(body), FallbackReason::unsupported_parameter) << body;
    }
}

TEST(FallbackReason, IsNoneForOtherRefusals) {
    const std::string_view bodies[] = {
        R"x({"error":{"message":"Invalid value for 'temperature': must be at most 2.","type":"i)x"
        R"x(nvalid_request_error","param":"temperature","code":"invalid_value"}})x",
        R"x({"error":{"message":"You uploaded an unsupported image.","code":"invalid_image_form)x"
        R"x(at"}})x",
        R"x({"error":{"message":"Missing required parameter: 'messages'.","param":"messages","c)x"
        R"x(ode":"missing_required_parameter"}})x",
        R"x({"error":{"message":"max_tokens is too large: 200000.","param":"max_tokens","code":)x"
        R"x("invalid_value"}})x",
        R"x({"error":{"message":"Your prompt was flagged","code":"content_policy_violation"}})x",
        R"x({"detail":"Not Found"})x",
        R"x({"error":{"message":"The file is too large","code":"file_too_large"}})x",
        "",
        "{}",
    };
    for (const std::string_view body : bodies) {
        EXPECT_EQ(reason_of(body), FallbackReason::none) << body;
    }
}

}  // namespace
}  // namespace sluicegate::provider
