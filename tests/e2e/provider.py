"""A model provider for the end-to-end tests: good answers, and ways to die."""

import http.server
import json
import threading


def _event(data):
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def _delta(text):
    return _event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
                   "model": "provider-model",
                   "choices": [{"index": 0, "delta": {"role": "assistant", "content": text},
                                "finish_reason": None}]})


def _responses_event(kind, number, **more):
    data = {"type": kind, "sequence_number": number, **more}
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


# What is sent of a stream before its connection ends, by the model that is asked for. `None`: not
# even a head; a chunk of b"" ends the body cleanly.
_CUT_CHAT = {
    "cut-before-head": None,
    "cut-after-head": [],
    "cut-after-event": [_delta("one")],
    "cut-in-event": [_delta("one"), _delta("two")[:40]],
    "cut-clean": [_delta("one"), b""],
    "cut-bare-error": [_delta("one"), b'error: {"code":500,"message":"out of memory"}\n\n', b""],
}
_CREATED = _responses_event("response.created", 0, response={
    "id": "resp_1", "object": "response", "status": "in_progress", "model": "m", "output": []})
_CUT_RESPONSES = {
    "cut-before-head": None,
    "cut-after-head": [],
    "cut-after-event": [_CREATED],
    "cut-in-event": [_CREATED, _CREATED[:50]],
    "cut-clean": [_CREATED, b""],
}

_COMPLETION = {
    "id": "chatcmpl-9", "object": "chat.completion", "created": 9, "model": "provider-model",
    "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None,
                 "message": {"role": "assistant", "content": "spoken at once", "refusal": None}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}
_RESPONSE = {
    "id": "resp_9", "object": "response", "created_at": 9, "status": "completed", "error": None,
    "incomplete_details": None, "instructions": None, "metadata": {}, "model": "provider-model",
    "parallel_tool_calls": True, "temperature": 1, "tool_choice": "auto", "tools": [], "top_p": 1,
    "output": [{"id": "msg_9", "type": "message", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "spoken at once",
                             "annotations": []}]}],
    "usage": {"input_tokens": 3, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 4,
              "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 7}}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        out = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            out += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return out

    def _json(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _stream(self, chunks):
        """Sends the chunks and ends the connection, whether or not they end the body."""
        self.close_connection = True
        if chunks is None:
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for data in chunks:
            self._chunk(data)

    def do_POST(self):
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, headers, body))
        if self.path == "/v1/audio/transcriptions":
            ok = b"\r\nwhisper-at-provider\r\n" in body and b"RIFF-not-really-audio" in body
            self._json(200 if ok else 400, {"text": "spoken words"} if ok else
                       {"error": {"message": "wrong parts", "type": "t", "param": None,
                                  "code": None}})
            return
        model = json.loads(body)["model"]
        is_responses = self.path == "/v1/responses"
        cuts = _CUT_RESPONSES if is_responses else _CUT_CHAT
        if model == "dies-mid-stream":
            self._stream([_delta("one"), _delta("two")])
            return
        if model in cuts:
            self._stream(cuts[model])
            return
        if model == "never-streams":
            self._json(200, _RESPONSE if is_responses else _COMPLETION)
            return
        self._json(500, {"error": {"message": "no such script", "type": "server_error",
                                   "param": None, "code": None}})


class Provider:
    """Serves on 127.0.0.1 until the `with` block ends; `requests` holds what came."""

    def __enter__(self):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.requests = self.requests = []
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
