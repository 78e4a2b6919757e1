"""The LiteLLM SDK, with models named openai/MODEL. suite: core

Settings: api_base and api_key. LITELLM_LOCAL_MODEL_COST_MAP keeps it from downloading prices.
"""

import asyncio
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm

import client_cases as shared
from client_cases import case, raised

litellm.suppress_debug_info = True
MESSAGES = [{"role": "user", "content": shared.PROMPT}]
TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]
SCHEMA = {"type": "json_schema", "json_schema": {"name": "weather", "schema": {
    "type": "object", "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}}}}}


def settings(model, **more):
    return {"model": f"openai/{model}", "api_base": shared.URL, "api_key": shared.KEY,
            "max_retries": 0, **more}


def complete(model="assistant", **more):
    return litellm.completion(**settings(model, messages=MESSAGES, **more))


def text_of(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@case
def chat():
    answer = complete()
    assert answer.choices[0].message.content == shared.GREETING, answer
    assert answer.usage.total_tokens == 18
    answered = litellm.responses(**settings("assistant", input=shared.PROMPT))
    assert answered.output[0].content[0].text == shared.GREETING, answered


@case
def stream():
    chunks = list(complete(stream=True, stream_options={"include_usage": True}))
    assert text_of(chunks) == shared.GREETING
    assert chunks[-1].usage.total_tokens == 18, chunks[-1]
    events = list(litellm.responses(**settings("assistant", input=shared.PROMPT, stream=True)))
    assert "".join(event.delta for event in events
                   if event.type == "response.output_text.delta") == shared.GREETING


@case
def tools():
    called = complete(tools=TOOLS).choices[0].message
    streamed = litellm.stream_chunk_builder(list(complete(tools=TOOLS, stream=True)))
    for message in (called, streamed.choices[0].message):
        (call,) = message.tool_calls
        assert call.function.name == "get_weather", call
        assert call.function.arguments == '{"city": "Paris"}', call
    (call,) = called.tool_calls
    turns = [*MESSAGES, called.model_dump(),
             {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    answer = litellm.completion(**settings("assistant", messages=turns, tools=TOOLS))
    assert answer.choices[0].message.content == shared.FORECAST


@case
def structured():
    answer = complete(response_format=SCHEMA)
    assert answer.choices[0].message.content == '{"city": "Paris", "degrees": 21}'


@case
def embeddings():
    answer = litellm.embedding(**settings("assistant", input=["one", "two"]))
    assert [row["embedding"] for row in answer.data] == [shared.VECTOR] * 2, answer


@case
def errors():
    stranger = raised(litellm.AuthenticationError, lambda: complete(api_key="sk-unknown"))
    assert stranger.status_code == 401
    assert raised(litellm.NotFoundError, lambda: complete("no-such-model")).status_code == 404
    refused = raised(litellm.BadRequestError, lambda: complete("refuses"))
    assert "The temperature must be below 2." in refused.message, refused.message
    failed = raised(litellm.BadGatewayError, lambda: complete("fails"))
    assert failed.status_code == 502, failed


@case
def rate_limit():
    def exceed():
        for _ in range(5):
            complete("once")
    error = raised(litellm.RateLimitError, exceed)
    assert int(error.response.headers["retry-after-ms"]) > 0, error.response.headers


@case
def retry():
    for _ in range(2):
        assert complete("retried", max_retries=3).choices[0].message.content == shared.GREETING


@case
def long_stream():
    assert text_of(complete("long", stream=True)) == shared.LONG


@case
def abort():
    async def leave():
        chunks = await litellm.acompletion(**settings("endless", messages=MESSAGES, stream=True))
        for _ in range(5):
            await anext(chunks)
        await chunks.aclose()
        waiting = asyncio.create_task(
            litellm.acompletion(**settings("silent", messages=MESSAGES)))
        await asyncio.sleep(0.3)
        waiting.cancel()
        await asyncio.wait([waiting])

    asyncio.run(leave())


@case
def complete_ends():
    for model in shared.COMPLETE_ENDS:
        assert text_of(complete(model, stream=True)) == shared.GREETING, model


@case
def broken_streams():
    for model in shared.BROKEN_STREAMS:
        raised(Exception, lambda: list(complete(model, stream=True)))


shared.run()
