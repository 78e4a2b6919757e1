"""What the official Python SDK sees through the gateway; run_sdk.py starts it.

Prints `ok CASE` for each case that holds, and stops at the first that does not.
"""

import io
import os

import openai

URL = os.environ["SLUICEGATE_URL"]
KEY = os.environ["SLUICEGATE_KEY"]
MESSAGES = [{"role": "user", "content": "a-prompt-nobody-may-log"}]
CUTS = ["cut-before-head", "cut-after-head", "cut-after-event", "cut-in-event", "cut-clean",
        "cut-bare-error"]
COMPLETE_ENDS = ["no-done", "silent-end", "until-close"]
ERRORS = ["error-in-chunk", "error-event"]
client = openai.OpenAI(base_url=URL, api_key=KEY, max_retries=0, timeout=60)


def raised(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def list_models():
    ids = {model.id for model in client.models.list()}
    assert ids == {"echo", "once", "retried", "retried-stream", "retried-tokens",
                   "dies-mid-stream", "never-streams", "survives", "whisper", "left-at-end",
                   *CUTS, *COMPLETE_ENDS, *ERRORS}, ids
    assert client.models.retrieve("echo").id == "echo"


def chat():
    answer = client.chat.completions.create(model="echo", messages=MESSAGES)
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.content
    assert answer.usage.total_tokens > 0
    assert answer._request_id
    raw = client.chat.completions.with_raw_response.create(model="once", messages=MESSAGES)
    assert raw.headers["x-ratelimit-limit-requests"] == "1"


def chat_stream():
    chunks = list(client.chat.completions.create(
        model="echo", messages=MESSAGES, stream=True, stream_options={"include_usage": True}))
    assert len(chunks) > 2
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert chunks[-1].usage.total_tokens > 0
    plain = list(client.chat.completions.create(model="echo", messages=MESSAGES, stream=True))
    assert all(chunk.choices for chunk in plain), "a usage chunk that was not requested"


def completions():
    assert client.completions.create(model="echo", prompt="hello").choices[0].text
    chunks = list(client.completions.create(model="echo", prompt="hello", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)


def embeddings():
    answer = client.embeddings.create(model="echo", input=["one", "two"])
    assert len(answer.data) == 2
    assert len(answer.data[0].embedding) == len(answer.data[1].embedding) > 0
    as_floats = client.embeddings.create(model="echo", input="one", encoding_format="float")
    assert as_floats.data[0].embedding


def responses():
    answer = client.responses.create(model="echo", input="hello")
    assert answer.object == "response"
    assert answer.output_text
    assert answer.usage.output_tokens > 0


def responses_stream():
    events = list(client.responses.create(model="echo", input="hello", stream=True))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert any(event.type == "response.output_text.delta" for event in events)


def authentication_error():
    stranger = openai.OpenAI(base_url=URL, api_key="sk-unknown", max_retries=0)
    error = raised(openai.AuthenticationError, stranger.models.list)
    assert error.status_code == 401
    assert error.code == "invalid_api_key"
    assert error.request_id


def not_found_error():
    error = raised(openai.NotFoundError, lambda: client.chat.completions.create(
        model="no-such-model", messages=MESSAGES))
    assert error.status_code == 404
    assert error.code == "model_not_found"
    assert error.param == "model"


def rate_limit_error():
    def exceed():
        for _ in range(5):
            client.chat.completions.create(model="once", messages=MESSAGES)

    error = raised(openai.RateLimitError, exceed)
    assert error.status_code == 429
    assert str(error.code) == "429", "a number before version 3, its text since"
    assert error.type == "rate_limit_error"
    assert error.body == {"message": "Rate limit exceeded. Please try again later.",
                          "type": "rate_limit_error", "code": 429}, error.body
    assert int(error.response.headers["retry-after-ms"]) > 0
    assert error.request_id


def automatic_retry():
    patient = client.with_options(max_retries=3)
    for _ in range(2):
        assert patient.chat.completions.create(model="retried", messages=MESSAGES).choices


def automatic_retry_of_a_stream():
    patient = client.with_options(max_retries=3)
    for _ in range(2):
        chunks = list(patient.chat.completions.create(
            model="retried-stream", messages=MESSAGES, stream=True))
        assert len(chunks) > 2


def automatic_retry_for_tokens():
    patient = client.with_options(max_retries=3)
    for _ in range(2):
        # The cap is all of the limit, so the second does not fit beside what the first has used.
        answer = patient.chat.completions.create(
            model="retried-tokens", max_tokens=400, messages=MESSAGES)
        assert 0 < answer.usage.total_tokens < 400, answer.usage


def large_upload():
    patient = client.with_options(max_retries=2)
    content = [{"role": "user", "content": "x" * (20 * 1024 * 1024)}]
    error = raised(openai.APIStatusError, lambda: patient.chat.completions.create(
        model="echo", messages=content))
    assert error.status_code == 413
    assert error.code == "request_too_large"


def stream_that_dies():
    texts = []

    def read():
        for chunk in client.chat.completions.create(
                model="dies-mid-stream", messages=MESSAGES, stream=True):
            texts.append(chunk.choices[0].delta.content)

    error = raised(openai.APIError, read)
    assert texts == ["one", "two"], texts
    assert error.code == "upstream_closed"


def cut_streams():
    for model in CUTS:
        chunks = []

        def read():
            for chunk in client.chat.completions.create(
                    model=model, messages=MESSAGES, stream=True):
                chunks.append(chunk)

        error = raised(openai.APIError, read)
        assert error.code, (model, error)
        expected = 0 if model in ("cut-before-head", "cut-after-head") else 1
        assert len(chunks) == expected, (model, chunks)


def cut_responses():
    for model in CUTS[:-1]:
        events = []

        def read():
            for event in client.responses.create(model=model, input="x", stream=True):
                events.append(event)

        error = raised(openai.APIError, read)
        assert error.code == "upstream_closed", (model, error)
        expected = 0 if model in ("cut-before-head", "cut-after-head") else 1
        assert len(events) == expected, (model, events)


def converted_stream():
    chunks = list(client.chat.completions.create(
        model="never-streams", messages=MESSAGES, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "spoken at once"
    assert chunks[-1].choices[0].finish_reason == "stop"
    with_usage = list(client.chat.completions.create(
        model="never-streams", messages=MESSAGES, stream=True,
        stream_options={"include_usage": True}))
    assert with_usage[-1].usage.total_tokens == 7
    events = list(client.responses.create(model="never-streams", input="x", stream=True))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == "spoken at once"
    assert "".join(event.delta for event in events
                   if event.type == "response.output_text.delta") == "spoken at once"


def stream_helper():
    for model in ("echo", "never-streams"):
        with client.chat.completions.stream(model=model, messages=MESSAGES) as stream:
            texts = [event.delta for event in stream if event.type == "content.delta"]
            final = stream.get_final_completion()
        assert "".join(texts) == final.choices[0].message.content != ""
        assert final.choices[0].finish_reason
        with client.responses.stream(model=model, input="hello") as stream:
            kinds = [event.type for event in stream]
            final = stream.get_final_response()
        assert kinds[-1] == "response.completed", kinds
        assert final.output_text
        assert final.usage.total_tokens > 0


def transcription():
    audio = io.BytesIO(b"RIFF-not-really-audio" * 1000)
    audio.name = "speech.wav"
    # The dictionary's order is the order of the parts: the file stands before the model.
    answer = client.audio.transcriptions.create(file=audio, model="whisper")
    assert answer.text == "spoken words"


def failover():
    raw = client.chat.completions.with_raw_response.create(model="survives", messages=MESSAGES)
    assert raw.parse().choices[0].message.content
    assert raw.headers["x-sluicegate-upstream"] == "local", raw.headers
    assert raw.headers["x-sluicegate-attempts"] == "2", raw.headers
    chunks = list(client.chat.completions.create(model="survives", messages=MESSAGES, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def complete_ends():
    for model in COMPLETE_ENDS:
        chunks = list(client.chat.completions.create(model=model, messages=MESSAGES, stream=True))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == \
            "Hello from the upstream.", (model, chunks)
        assert chunks[-1].choices[0].finish_reason == "stop", (model, chunks)
        with client.chat.completions.stream(model=model, messages=MESSAGES) as stream:
            final = stream.get_final_completion()
        assert final.choices[0].message.content == "Hello from the upstream.", model


def departure_at_the_end():
    stream = client.chat.completions.create(model="left-at-end", messages=MESSAGES, stream=True)
    assert any(chunk.choices[0].finish_reason == "stop" for chunk in stream)
    stream.close()


def errors_in_streams():
    for model in ERRORS:
        texts = []

        def read():
            for chunk in client.chat.completions.create(
                    model=model, messages=MESSAGES, stream=True):
                texts.append(chunk.choices[0].delta.content)

        error = raised(openai.APIError, read)
        assert texts == ["Hello "], (model, texts)
        assert error.message in ("Provider disconnected unexpectedly",
                                 "EngineCore encountered an issue."), (model, error)


def azure():
    there = openai.AzureOpenAI(azure_endpoint=URL.removesuffix("/v1"), api_key=KEY,
                               api_version="2024-10-21", max_retries=0)
    assert there.chat.completions.create(model="echo", messages=MESSAGES).model == "echo"
    chunks = list(there.chat.completions.create(model="echo", messages=MESSAGES, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    error = raised(openai.NotFoundError, lambda: there.chat.completions.create(
        model="no-such-model", messages=MESSAGES))
    assert error.code == "model_not_found"


for case in (list_models, chat, chat_stream, completions, embeddings, responses, responses_stream,
             authentication_error, not_found_error, rate_limit_error, automatic_retry,
             automatic_retry_of_a_stream, automatic_retry_for_tokens, large_upload,
             stream_that_dies, cut_streams, cut_responses, converted_stream, stream_helper,
             transcription, failover, complete_ends, departure_at_the_end, errors_in_streams,
             azure):
    case()
    print("ok", case.__name__, flush=True)
