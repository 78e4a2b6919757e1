"""A provider that throttles like OpenAI, and a GPU server with fixed places, for load tests."""

import asyncio
import collections
import json
import time


def go_duration(seconds):
    """As the x-ratelimit-reset-* fields of OpenAI spell it: 6m0s, 1.5s, 12ms."""
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    return (f"{int(minutes)}m" if minutes else "") + f"{rest:g}s"


class Bucket:
    """Tokens that come back continuously, as the limits of OpenAI do."""

    def __init__(self, capacity, per_second):
        self.capacity = capacity
        self.per_second = per_second
        self._left = float(capacity)
        self._at = time.monotonic()

    def left(self):
        now = time.monotonic()
        self._left = min(self.capacity, self._left + (now - self._at) * self.per_second)
        self._at = now
        return self._left

    def take(self, tokens):
        """0 when they were there, else the seconds until they are."""
        missing = tokens - self.left()
        if missing > 0:
            return missing / self.per_second
        self._left -= tokens
        return 0

    def fields(self):
        left = self.left()
        return {"x-ratelimit-limit-tokens": str(self.capacity),
                "x-ratelimit-remaining-tokens": str(int(left)),
                "x-ratelimit-reset-tokens": go_duration((self.capacity - left) / self.per_second)}


def _answer(model, is_streaming):
    usage = {"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 50}
    base = {"id": "chatcmpl-1", "created": 1, "model": model}
    if not is_streaming:
        body = {**base, "object": "chat.completion", "usage": usage,
                "choices": [{"index": 0, "finish_reason": "stop",
                             "message": {"role": "assistant", "content": "hello"}}]}
        return "application/json", json.dumps(body).encode()
    chunks = [{"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
              for text in ("hel", "lo")]
    chunks.append({"choices": [], "usage": usage})
    events = b"".join(
        b"data: " + json.dumps({**base, "object": "chat.completion.chunk", **part}).encode() +
        b"\n\n" for part in chunks)
    return "text/event-stream", events + b"data: [DONE]\n\n"


def _response(status, content_type, body, fields):
    head = f"HTTP/1.1 {status} Status\r\nContent-Type: {content_type}\r\n" \
           f"Content-Length: {len(body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return head.encode() + b"\r\n" + body


class Server:
    """Counts what it answered by status; `serve` of a subclass decides."""

    def __init__(self):
        self.statuses = collections.Counter()
        self._writers = set()
        self._server = None

    async def start(self):
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=512)
        port = self._server.sockets[0].getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        self.base_url = f"http://{self.address}/v1"

    def die(self):
        """Like a process that is killed: connections are refused, and open ones are reset."""
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _connection(self, reader, writer):
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                size = next(int(line.split(":")[1]) for line in head.split("\r\n")
                            if line.startswith("content-length:"))
                request = json.loads(await reader.readexactly(size))
                status, fields = await self.serve(request)
                content_type, body = _answer(request["model"], request.get("stream", False))
                if status != 200:
                    content_type, body = "application/json", self.refusal()
                self.statuses[status] += 1
                writer.write(_response(status, content_type, body, fields))
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


class Provider(Server):
    """Counts prompt and max_tokens on arrival against a bucket, and refuses beyond it."""

    def __init__(self, capacity, per_second, seconds):
        super().__init__()
        self.bucket = Bucket(capacity, per_second)
        self._seconds = seconds

    def refusal(self):
        return json.dumps({"error": {
            "message": "Rate limit reached on tokens per min (TPM).", "type": "tokens",
            "param": None, "code": "rate_limit_exceeded"}}).encode()

    async def serve(self, request):
        prompt = sum(len(message["content"]) for message in request["messages"]) // 4
        wait = self.bucket.take(prompt + request["max_tokens"])
        fields = self.bucket.fields()
        if wait > 0:
            fields["retry-after-ms"] = str(max(1, round(wait * 1000)))
            fields["retry-after"] = str(max(1, round(wait + 0.5)))
            return 429, fields
        await asyncio.sleep(self._seconds)
        return 200, fields


class Gpu(Server):
    """Works on so many requests at once, and refuses more with 503."""

    def __init__(self, places, seconds):
        super().__init__()
        self._places = places
        self._seconds = seconds
        self._open = 0
        self.open_most = 0

    def refusal(self):
        return json.dumps({"error": {"message": "busy", "type": "unavailable_error",
                                     "code": 503}}).encode()

    async def serve(self, _request):
        if self._open >= self._places:
            return 503, {}
        self._open += 1
        self.open_most = max(self.open_most, self._open)
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self._open -= 1
        return 200, {}
