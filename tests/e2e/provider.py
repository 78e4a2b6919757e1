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
        if json.loads(body)["model"] == "dies-mid-stream":
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._chunk(_delta("one"))
            self._chunk(_delta("two"))
            self.close_connection = True
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
