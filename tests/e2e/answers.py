"""What the provider of the end-to-end tests says: texts, tool calls, vectors, plain and streamed.

The words depend on the request alone: a tool is called once, its result is answered, a schema is
filled in. The client files hold the same words.
"""

import base64
import json
import struct

GREETING = ["Hello ", "from ", "the ", "upstream."]
FORECAST = ["It is ", "sunny in ", "Paris."]
STRUCTURED = ['{"city": "Par', 'is", "degrees"', ": 21}"]
LONG = [f"{number} grüße ☕ " for number in range(3000)]
ARGUMENTS = ['{"city"', ': "Par', 'is"}']
VECTOR = [0.25, -0.5, 0.75]
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
DONE = b"data: [DONE]\n\n"


def event(data):
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


def _wants_schema(request):
    wanted = request.get("response_format") or request.get("text", {}).get("format") or {}
    return wanted.get("type") in ("json_schema", "json_object")


def _pieces(request):
    if request["model"] == "long":
        return LONG
    if _wants_schema(request):
        return STRUCTURED
    turns = request.get("messages") or request.get("input")
    last = turns[-1] if isinstance(turns, list) else {}
    is_result = last.get("role") == "tool" or last.get("type") == "function_call_output"
    return FORECAST if is_result else GREETING


def _called_tool(request):
    """The name of the tool to call; None when text is to be answered."""
    tools = request.get("tools") or []
    if not tools or _pieces(request) is not GREETING:
        return None
    return tools[0].get("function", tools[0])["name"]


# --- chat completions ---

def _chunk(delta, finish_reason=None, **more):
    return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
                  "model": "provider-model", **more,
                  "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})


def text_chunks(pieces):
    """A whole chat stream up to its finish_reason."""
    return [_chunk({"role": "assistant", "content": ""}),
            *(_chunk({"content": piece}) for piece in pieces), _chunk({}, "stop")]


def chat(request):
    tool = _called_tool(request)
    message = {"role": "assistant", "content": None if tool else "".join(_pieces(request)),
               "refusal": None}
    if tool:
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": {
            "name": tool, "arguments": "".join(ARGUMENTS)}}]
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1,
            "model": "provider-model", "usage": USAGE,
            "choices": [{"index": 0, "message": message, "logprobs": None,
                         "finish_reason": "tool_calls" if tool else "stop"}]}


def chat_stream(request):
    tool = _called_tool(request)
    if tool:
        parts = [{"id": "call_1", "type": "function", "function": {"name": tool, "arguments": ""}},
                 *({"function": {"arguments": piece}} for piece in ARGUMENTS)]
        chunks = [_chunk({"role": "assistant", "content": None}),
                  *(_chunk({"tool_calls": [{"index": 0, **part}]}) for part in parts),
                  _chunk({}, "tool_calls")]
    else:
        chunks = text_chunks(_pieces(request))
    if (request.get("stream_options") or {}).get("include_usage"):
        chunks.append(event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
                             "model": "provider-model", "choices": [], "usage": USAGE}))
    return [*chunks, DONE]


def error_in_chunk():
    """As an aggregator tells that its own provider went away: inside a chunk, then a good end."""
    return [_chunk({"role": "assistant", "content": "Hello "}),
            _chunk({"content": ""}, "error",
                   error={"code": 502, "message": "Provider disconnected unexpectedly"}), DONE]


def error_event():
    """As vLLM tells that its engine died: an event of its own, then a good end."""
    return [_chunk({"role": "assistant", "content": "Hello "}),
            event({"error": {"message": "EngineCore encountered an issue.",
                             "type": "InternalServerError", "param": None, "code": 500}}), DONE]


def endless():
    while True:
        yield _chunk({"content": "and on "})


# --- responses ---

def _item(request):
    tool = _called_tool(request)
    if tool:
        return {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1",
                "name": tool, "arguments": "".join(ARGUMENTS)}
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "".join(_pieces(request)),
                         "annotations": [], "logprobs": []}]}


def _response(status, output, usage=None):
    return {"id": "resp_1", "object": "response", "created_at": 1, "status": status, "error": None,
            "incomplete_details": None, "instructions": None, "metadata": {},
            "model": "provider-model", "parallel_tool_calls": True, "temperature": 1,
            "tool_choice": "auto", "tools": [], "top_p": 1, "output": output, "usage": usage}


_RESPONSE_USAGE = {"input_tokens": 11, "input_tokens_details": {"cached_tokens": 0},
                   "output_tokens": 7, "output_tokens_details": {"reasoning_tokens": 0},
                   "total_tokens": 18}


def response(request):
    return _response("completed", [_item(request)], _RESPONSE_USAGE)


def response_stream(request):
    item = _item(request)
    at = {"item_id": item["id"], "output_index": 0}
    events = [("response.created", {"response": _response("in_progress", [])})]
    if item["type"] == "function_call":
        begun = {**item, "status": "in_progress", "arguments": ""}
        events += [("response.output_item.added", {"output_index": 0, "item": begun}),
                   *(("response.function_call_arguments.delta", {**at, "delta": piece})
                     for piece in ARGUMENTS),
                   ("response.function_call_arguments.done",
                    {**at, "arguments": item["arguments"]})]
    else:
        part = item["content"][0]
        at = {**at, "content_index": 0}
        begun = {**item, "status": "in_progress", "content": []}
        events += [("response.output_item.added", {"output_index": 0, "item": begun}),
                   ("response.content_part.added", {**at, "part": {**part, "text": ""}}),
                   *(("response.output_text.delta", {**at, "delta": piece, "logprobs": []})
                     for piece in _pieces(request)),
                   ("response.output_text.done", {**at, "text": part["text"], "logprobs": []}),
                   ("response.content_part.done", {**at, "part": part})]
    events += [("response.output_item.done", {"output_index": 0, "item": item}),
               ("response.completed", {"response": response(request)})]
    return [f"event: {kind}\n".encode() + event({"type": kind, "sequence_number": number, **data})
            for number, (kind, data) in enumerate(events)]


# --- embeddings ---

def embeddings(request):
    inputs = request["input"] if isinstance(request["input"], list) else [request["input"]]
    vector = VECTOR
    if request.get("encoding_format") == "base64":
        vector = base64.b64encode(struct.pack(f"<{len(VECTOR)}f", *VECTOR)).decode()
    return {"object": "list", "model": "provider-model",
            "data": [{"object": "embedding", "index": index, "embedding": vector}
                     for index in range(len(inputs))],
            "usage": {"prompt_tokens": 4, "total_tokens": 4}}
