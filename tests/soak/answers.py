"""What a soak request says, and the one right answer to it: upstream and client agree here.

Each request carries a mark `soak:NONCE:FAULT:SIZE:PAD:` and PAD bytes made of the nonce. The answer
is made of the nonce alone, so an answer that belongs to another request is never right.
"""

import json
import re

MARK = re.compile(rb"soak:([0-9a-f]{16}):([a-z0-9-]+):(\d+):(\d+):")
STREAMED = ("/v1/chat/completions", "/v1/completions", "/v1/responses")
MULTIPART = ("/v1/audio/transcriptions", "/v1/audio/translations", "/v1/images/edits",
             "/v1/images/variations")
JSON = STREAMED + ("/v1/embeddings", "/v1/moderations", "/v1/rerank", "/v1/images/generations",
                   "/v1/audio/speech")
PROMPT_FIELD = {"/v1/completions": "prompt", "/v1/responses": "input", "/v1/embeddings": "input",
                "/v1/moderations": "input", "/v1/rerank": "query",
                "/v1/images/generations": "prompt", "/v1/audio/speech": "input"}
BOUNDARY = "soak-boundary-7d1f"


def repeated(nonce, size):
    return (nonce * (size // len(nonce) + 1))[:size]


def prompt(nonce, fault, size, pad):
    return f"soak:{nonce}:{fault}:{size}:{pad}:{repeated(nonce, pad)}"


def json_request(path, model, text, is_streaming):
    body = {"model": model}
    if path == "/v1/chat/completions":
        body["messages"] = [{"role": "user", "content": text}]
    else:
        body[PROMPT_FIELD[path]] = text
    if path == "/v1/rerank":
        body["documents"] = ["one", "two"]
    if path == "/v1/audio/speech":
        body["voice"] = "alloy"
    if is_streaming:
        body["stream"] = True
    return json.dumps(body).encode()


def multipart_request(model, text):
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
             for name, value in (("model", model), ("prompt", text))]
    parts.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; '
                 'filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n'
                 f"--{BOUNDARY}--\r\n")
    return "".join(parts).encode()


def answer(path, nonce, size):
    """Content type and body of the answer that does not stream."""
    text = repeated(nonce, size)
    if path == "/v1/audio/speech":
        return "audio/mpeg", text.encode()
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    body = {"id": nonce, "created": 1, "model": "served", "usage": usage}
    if path == "/v1/chat/completions":
        body |= {"object": "chat.completion", "choices": [
            {"index": 0, "finish_reason": "stop",
             "message": {"role": "assistant", "content": text}}]}
    elif path == "/v1/completions":
        body |= {"object": "text_completion",
                 "choices": [{"index": 0, "finish_reason": "stop", "text": text}]}
    elif path == "/v1/responses":
        body |= {"object": "response", "status": "completed",
                 "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
                 "output": [{"type": "message", "role": "assistant", "content": [
                     {"type": "output_text", "text": text, "annotations": []}]}]}
    else:
        parts = [{"index": 0, "text": text}]
        body |= {"object": "soak", "data": parts, "results": parts, "text": text}
    return "application/json", json.dumps(body).encode()


def events(path, nonce, size):
    """The events of the streamed answer, without usage, which only the gateway asks for."""
    base = {"id": nonce, "created": 1, "model": "served"}
    pieces = [repeated(nonce, size) for _ in range(4)] + [nonce]
    out = []
    for number, text in enumerate(pieces):
        if path == "/v1/responses":
            out.append({"type": "response.output_text.delta", "sequence_number": number,
                        "item_id": nonce, "output_index": 0, "content_index": 0, "delta": text})
        elif path == "/v1/completions":
            out.append({**base, "object": "text_completion", "choices": [
                {"index": 0, "text": text, "finish_reason": None}]})
        else:
            out.append({**base, "object": "chat.completion.chunk", "choices": [
                {"index": 0, "delta": {"content": text}, "finish_reason": None}]})
    if path == "/v1/responses":
        out.append({"type": "response.completed", "sequence_number": len(pieces), "response":
                    json.loads(answer(path, nonce, size)[1])})
    elif path == "/v1/completions":
        out.append({**base, "object": "text_completion", "choices": [
            {"index": 0, "text": "", "finish_reason": "stop"}]})
    else:
        out.append({**base, "object": "chat.completion.chunk", "choices": [
            {"index": 0, "delta": {}, "finish_reason": "stop"}]})
    data = [json.dumps(event) for event in out]
    return data if path == "/v1/responses" else data + ["[DONE]"]


def event_bytes(data):
    kind = ""
    if data.startswith('{"type": "'):
        kind = f"event: {json.loads(data)['type']}\n"
    return f"{kind}data: {data}\n\n".encode()
