"""LangChain for Python (langchain-openai). suite: core

Settings: base_url and api_key; stream_usage=True for usage in streams with an own base_url, and
check_embedding_ctx_length=False, as the table of tiktoken would be downloaded otherwise.
"""

import asyncio

import openai
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

import client_cases as shared
from client_cases import case, raised


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


class Weather(BaseModel):
    city: str
    degrees: int


def chat_model(model="assistant", **more):
    return ChatOpenAI(model=model, base_url=shared.URL, **{
        "api_key": shared.KEY, "max_retries": 0, "stream_usage": True, **more})


@case
def chat():
    for more in ({}, {"use_responses_api": True}):
        answer = chat_model(**more).invoke(shared.PROMPT)
        assert answer.text == shared.GREETING, answer
        assert answer.usage_metadata["total_tokens"] == 18, answer.usage_metadata
    assert [answer.text for answer in chat_model().batch([shared.PROMPT] * 3)] == \
        [shared.GREETING] * 3


@case
def stream():
    for more in ({}, {"use_responses_api": True}):
        chunks = list(chat_model(**more).stream(shared.PROMPT))
        assert "".join(chunk.text for chunk in chunks) == shared.GREETING, chunks
        assert len([chunk for chunk in chunks if chunk.text]) == 4
        whole = chunks[0]
        for chunk in chunks[1:]:
            whole += chunk
        assert whole.usage_metadata["total_tokens"] == 18, whole.usage_metadata
        assert whole.response_metadata["model_name"] == "assistant", whole.response_metadata


@case
def tools():
    for more in ({}, {"use_responses_api": True}):
        bound = chat_model(**more).bind_tools([get_weather])
        turns = [HumanMessage(shared.PROMPT)]
        called = bound.invoke(turns)
        streamed = list(bound.stream(turns))
        whole = streamed[0]
        for chunk in streamed[1:]:
            whole += chunk
        for message in (called, whole):
            (call,) = message.tool_calls
            assert (call["name"], call["args"]) == ("get_weather", {"city": "Paris"}), call
        (call,) = called.tool_calls
        turns += [called, ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])]
        assert bound.invoke(turns).text == shared.FORECAST


@case
def structured():
    model = chat_model().with_structured_output(Weather, method="json_schema")
    assert model.invoke(shared.PROMPT) == Weather(city="Paris", degrees=21)


@case
def embeddings():
    model = OpenAIEmbeddings(model="assistant", base_url=shared.URL, api_key=shared.KEY,
                             check_embedding_ctx_length=False)
    assert model.embed_documents(["one", "two"]) == [shared.VECTOR] * 2
    assert model.embed_query("one") == shared.VECTOR


@case
def errors():
    def error_of(kind, model, **more):
        return raised(kind, lambda: chat_model(model, **more).invoke(shared.PROMPT))

    assert error_of(openai.AuthenticationError, "assistant",
                    api_key="sk-unknown").code == "invalid_api_key"
    assert error_of(openai.NotFoundError, "no-such-model").code == "model_not_found"
    refused = error_of(openai.BadRequestError, "refuses")
    assert (refused.code, refused.param) == ("invalid_value", "temperature"), refused
    assert "The temperature must be below 2." in refused.message
    assert error_of(openai.InternalServerError, "fails").status_code == 502


@case
def rate_limit():
    def exceed():
        for _ in range(5):
            chat_model("once").invoke(shared.PROMPT)
    error = raised(openai.RateLimitError, exceed)
    assert int(error.response.headers["retry-after-ms"]) > 0


@case
def retry():
    patient = chat_model("retried", max_retries=3)
    assert [patient.invoke(shared.PROMPT).text for _ in range(2)] == [shared.GREETING] * 2


@case
def long_stream():
    text = "".join(chunk.text for chunk in chat_model("long").stream(shared.PROMPT))
    assert text == shared.LONG, len(text)


@case
def abort():
    async def leave():
        chunks = chat_model("endless").astream(shared.PROMPT)
        for _ in range(5):
            await anext(chunks)
        await chunks.aclose()
        waiting = asyncio.create_task(chat_model("silent").ainvoke(shared.PROMPT))
        await asyncio.sleep(0.3)
        waiting.cancel()
        await asyncio.wait([waiting])

    asyncio.run(leave())


@case
def complete_ends():
    for model in shared.COMPLETE_ENDS:
        chunks = list(chat_model(model).stream(shared.PROMPT))
        assert "".join(chunk.text for chunk in chunks) == shared.GREETING, (model, chunks)


@case
def broken_streams():
    for model in shared.BROKEN_STREAMS:
        raised(openai.APIError, lambda: list(chat_model(model).stream(shared.PROMPT)))


shared.run()
