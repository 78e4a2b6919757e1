"""A model provider for the end-to-end tests: good answers, and ways to die."""

import http.server
import json
import socket
import threading
import time

import answers


def _delta(text):
    return answers.event({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
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


_PATIENCE_S = 30


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _model = None

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

    def _begin_stream(self, *fields):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()

    def _stream(self, chunks):
        """Sends the chunks and ends the connection, whether or not they end the body."""
        if chunks is None:
            self.close_connection = True
            return
        self._begin_stream(("Transfer-Encoding", "chunked"))
        for data in chunks:
            self._chunk(data)

    def _await_departure(self):
        """True once the other side has ended the connection; False if it never does."""
        self.connection.settimeout(_PATIENCE_S)
        try:
            return self.connection.recv(1) == b""
        except socket.timeout:
            return False
        except ConnectionError:
            return True

    def _odd_stream(self, model):
        """The streams that end in other ways than with [DONE]; False for another model."""
        greeting = answers.text_chunks(answers.GREETING)
        if model == "no-done":
            self._stream([*greeting, b""])
        elif model == "silent-end":
            self._stream(greeting)
            self._await_departure()
        elif model == "until-close":
            self._begin_stream(("Connection", "close"))
            self.wfile.write(b"".join(greeting))
        elif model == "error-in-chunk":
            self._stream([*answers.error_in_chunk(), b""])
        elif model == "error-event":
            self._stream([*answers.error_event(), b""])
        elif model == "endless":
            self._begin_stream(("Transfer-Encoding", "chunked"))
            for chunk in answers.endless():
                self._chunk(chunk)
                time.sleep(0.01)
        elif model == "long":
            # Pieces that respect neither events nor characters.
            data = b"".join(answers.chat_stream({"model": "long"}))
            self._stream([*(data[at:at + 1111] for at in range(0, len(data), 1111)), b""])
        else:
            return False
        return True

    def _good(self, request):
        """A model that answers every request well."""
        path = self.path
        if path == "/v1/embeddings":
            self._json(200, answers.embeddings(request))
        elif path == "/v1/responses" and request.get("stream"):
            self._stream([*answers.response_stream(request), b""])
        elif path == "/v1/responses":
            self._json(200, answers.response(request))
        elif request.get("stream"):
            self._stream([*answers.chat_stream(request), b""])
        else:
            self._json(200, answers.chat(request))

    def do_POST(self):
        try:
            self._answer(self._body())
        except ConnectionError:
            self.close_connection = True
            self.server.departures.append(self._model)

    def _answer(self, body):
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, headers, body))
        if self.path == "/v1/audio/transcriptions":
            ok = b"\r\nwhisper-at-provider\r\n" in body and b"RIFF-not-really-audio" in body
            self._json(200 if ok else 400, {"text": "spoken words"} if ok else
                       {"error": {"message": "wrong parts", "type": "t", "param": None,
                                  "code": None}})
            return
        request = json.loads(body)
        model = self._model = request["model"]
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
        if model == "large-at-provider":
            self._good(request)
            return
        if model == "silent":
            self.close_connection = True
            if self._await_departure():
                self.server.departures.append(model)
            return
        if model == "refuses":
            self._json(400, {"error": {"message": "The temperature must be below 2.",
                                       "type": "invalid_request_error", "param": "temperature",
                                       "code": "invalid_value"}})
            return
        if not is_responses and self._odd_stream(model):
            return
        self._json(500, {"error": {"message": "no such script", "type": "server_error",
                                   "param": None, "code": None}})


class Provider:
    """Serves on 127.0.0.1 until the `with` block ends; `requests` holds what came, `departures`
    the models whose answers the other side has left."""

    def __enter__(self):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.requests = self.requests = []
        self._server.departures = self.departures = []
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def saw_departure(self, model):
        """Whether the other side left an answer of that model; waits for it."""
        deadline = time.monotonic() + _PATIENCE_S
        while model not in self.departures and time.monotonic() < deadline:
            time.sleep(0.02)
        return model in self.departures

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
