"""Clients of the soak: each sends requests, checks every answer, and reports what was wrong."""

import asyncio
import collections
import json
import random
import secrets

import answers

BEFORE_ANSWER = ["reset", "cut-head", "garbage", "bad-length", "http-500", "http-503"]
RARE = ["stall", "http-429"]  # each keeps the upstream from being asked for a second
IN_ANSWER = ["cut-body", "half-json"]
IN_STREAM = ["cut-stream", "cut-event", "slow-stream"]
ERROR_STATUSES = {400, 429, 500, 502, 503, 504}
PATIENCE_S = 30


class Book:
    """What all clients have seen."""

    def __init__(self):
        self.violations = []
        self.outcomes = collections.Counter()
        self.answered = 0   # requests with a whole head of an answer
        self.uncertain = 0  # requests of clients that left: counted by the gateway, or not
        self.right = 0      # answers that were complete and right

    def wrong(self, text):
        self.violations.append(text)


class Answer:
    def __init__(self, status, fields, body, is_complete):
        self.status, self.fields, self.body, self.is_complete = status, fields, body, is_complete


class Connection:
    def __init__(self, address):
        self._host, self._port = address.split(":")
        self.reader = self.writer = None

    async def open(self):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(self._host, int(self._port))

    def close(self, is_reset=False):
        if self.writer is not None:
            if is_reset:
                self.writer.transport.abort()
            else:
                self.writer.close()
        self.reader = self.writer = None

    async def send(self, data):
        await self.open()
        self.writer.write(data)
        await self.writer.drain()

    async def read_answer(self, pause_s=0.0):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip()
                  for line in head[1:] if ":" in line}
        status = int(head[0].split()[1])
        body = b""
        is_complete = True
        try:
            if "content-length" in fields:
                body = await self.reader.readexactly(int(fields["content-length"]))
            else:
                while size := int(await self.reader.readline(), 16):
                    body += await self.reader.readexactly(size)
                    await self.reader.readexactly(2)
                    if pause_s:
                        await asyncio.sleep(pause_s)
                await self.reader.readline()
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            is_complete = False
        if fields.get("connection") == "close" or not is_complete:
            self.close()
        return Answer(status, fields, body, is_complete)


def request_bytes(address, method, path, key, content_type="", body=b"", is_chunked=False):
    head = f"{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n"
    if content_type:
        head += f"Content-Type: {content_type}\r\n"
    if not is_chunked:
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    pieces = [body[at:at + 8192] for at in range(0, len(body), 8192)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks + b"0\r\n\r\n"


def data_of(body):
    """The data of the whole events; comments, and what the gateway asked for itself, left out."""
    out = []
    for event in body.decode().split("\n\n")[:-1]:
        lines = [line[6:] for line in event.split("\n") if line.startswith("data: ")]
        if lines:
            out.append("\n".join(lines))
    return out


class Client:
    """Sends one request after another, of every kind, on a connection that it keeps or not."""

    def __init__(self, book, address, keys, seed):
        self.book, self.address, self.keys = book, address, keys
        self.random = random.Random(seed)
        self.connection = Connection(address)
        self.is_done = False

    async def run(self):
        kinds = [(30, self.ask), (4, self.leave), (2, self.use_a_bad_key), (3, self.list_models),
                 (2, self.send_nonsense)]
        weights = [weight for weight, _ in kinds]
        while not self.is_done:
            _, act = self.random.choices(kinds, weights)[0]
            try:
                await asyncio.wait_for(act(), PATIENCE_S)
            except asyncio.TimeoutError:
                self.book.wrong(f"{act.__name__}: no answer within {PATIENCE_S} s")
                self.connection.close()
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                # The head of an answer is owed, unless the connection was closed while idle.
                self.book.outcomes[f"{act.__name__}: {type(error).__name__}"] += 1
                self.book.uncertain += 1
                self.connection.close()
            if self.random.random() < 0.1:
                self.connection.close()
        self.connection.close()

    def choose(self):
        """Model, fault and path; then the request's bytes and what is expected of it."""
        path = self.random.choice(answers.JSON + answers.MULTIPART)
        is_streaming = path in answers.STREAMED and self.random.random() < 0.6
        model = self.random.choices(["good", "shaky", "bad", "echo"], [10, 4, 3, 1])[0]
        if model == "echo":
            path, is_streaming = "/v1/chat/completions", self.random.random() < 0.5
        faults = BEFORE_ANSWER + (IN_STREAM if is_streaming else IN_ANSWER) + ["none"] * 4
        if self.random.random() < 0.02:
            faults = RARE
        fault = self.random.choice(faults) if model in ("shaky", "bad") else "none"
        nonce = secrets.token_hex(8)
        size = self.random.choice([16, 200, 3000, 40000])
        pad = self.random.choice([0, 0, 100, 5000, 300000])
        text = answers.prompt(nonce, fault, size, pad)
        if path in answers.MULTIPART:
            content_type = f"multipart/form-data; boundary={answers.BOUNDARY}"
            body = answers.multipart_request(model, text)
        else:
            content_type, body = "application/json", answers.json_request(
                path, model, text, is_streaming)
        data = request_bytes(self.address, "POST", path, self.random.choice(self.keys),
                             content_type, body, self.random.random() < 0.3)
        return model, fault, path, is_streaming, nonce, size, data

    async def ask(self):
        model, fault, path, is_streaming, nonce, size, data = self.choose()
        await self.connection.send(data)
        pause_s = 0.05 if self.random.random() < 0.05 else 0.0
        answer = await self.connection.read_answer(pause_s)
        self.book.answered += 1
        what = f"{model} {path} {'stream' if is_streaming else 'plain'} {fault} {nonce}"
        self.book.outcomes[f"{model} {answer.status}"] += 1
        if answer.status != 200:
            self.check_error(what, model, fault, answer)
        elif model == "echo":
            self.check_echo(what, answer)
        elif is_streaming and answer.fields.get("content-type", "").startswith("text/event-stream"):
            self.check_stream(what, fault, answers.events(path, nonce, size), answer)
        else:
            self.check_plain(what, fault, answers.answer(path, nonce, size)[1], answer)

    def check_error(self, what, model, fault, answer):
        is_hidden = model == "shaky" and fault in BEFORE_ANSWER + RARE
        if model in ("good", "echo") or is_hidden or answer.status not in ERROR_STATUSES:
            self.book.wrong(f"{what}: {answer.status} {answer.body[:200]!r}")
        elif answer.is_complete:
            try:
                error = json.loads(answer.body)["error"]
                if not {"message", "type", "code"} <= set(error):
                    raise ValueError
            except (ValueError, KeyError, TypeError):
                self.book.wrong(f"{what}: malformed error {answer.body[:200]!r}")

    def check_echo(self, what, answer):
        if not answer.is_complete or b"soak:" not in answer.body:
            self.book.wrong(f"{what}: {answer.body[:200]!r}")
        self.book.right += 1

    def check_stream(self, what, fault, expected, answer):
        got = data_of(answer.body)
        if got == expected and answer.is_complete:
            self.book.right += 1
            return
        may_be_cut = fault in ("cut-stream", "cut-event", "stall")
        errors = [data for data in got if '"error"' in data]
        events = [data for data in got if '"error"' not in data]
        if not may_be_cut or events != expected[:len(events)]:
            self.book.wrong(f"{what}: got {len(got)} of {len(expected)} events, complete "
                            f"{answer.is_complete}: {got[-1:]!r:.300}")
        elif "[DONE]" in got or (answer.is_complete and not errors):
            self.book.wrong(f"{what}: a stream that was cut looks finished")

    def check_plain(self, what, fault, expected, answer):
        if answer.is_complete and answer.body == expected:
            self.book.right += 1
        elif fault == "half-json" and answer.body == b'{"id": "half':
            self.book.right += 1  # as the upstream sent it
        elif answer.is_complete or fault != "cut-body":
            self.book.wrong(f"{what}: complete {answer.is_complete}, {len(answer.body)} of "
                            f"{len(expected)} bytes: {answer.body[:200]!r}")

    async def leave(self):
        """Sends a part of a request, or reads a part of an answer, and is gone."""
        *_, data = self.choose()
        connection = Connection(self.address)
        phase = self.random.choice(["silent", "head", "body", "request", "answer"])
        try:
            await connection.open()
            if phase == "head":
                await connection.send(data[:self.random.randrange(1, data.index(b"\r\n\r\n"))])
            elif phase == "body":
                await connection.send(data[:self.random.randrange(data.index(b"\r\n\r\n"),
                                                                  len(data))])
            elif phase != "silent":
                await connection.send(data)
            if phase == "answer":
                await connection.reader.read(self.random.randrange(1, 5000))
            else:
                await asyncio.sleep(self.random.random() * 0.02)
        finally:
            connection.close(is_reset=self.random.random() < 0.5)
        self.book.outcomes[f"left: {phase}"] += 1
        self.book.uncertain += 1

    async def use_a_bad_key(self):
        connection = Connection(self.address)
        key = "sk-sg-" + secrets.token_hex(16)
        await connection.send(request_bytes(self.address, "GET", "/v1/models", key))
        answer = await connection.read_answer()
        connection.close()
        self.book.answered += 1
        self.book.outcomes[f"bad key {answer.status}"] += 1
        # 429: too many attempts of this address.
        if answer.status not in (401, 429) or b'"error"' not in answer.body:
            self.book.wrong(f"bad key: {answer.status} {answer.body[:200]!r}")

    async def list_models(self):
        await self.connection.send(request_bytes(self.address, "GET", "/v1/models",
                                                 self.random.choice(self.keys)))
        answer = await self.connection.read_answer()
        self.book.answered += 1
        names = {model["id"] for model in json.loads(answer.body)["data"]}
        if answer.status != 200 or not {"good", "shaky", "bad", "counted"} <= names:
            self.book.wrong(f"models: {answer.status} {answer.body[:200]!r}")

    async def send_nonsense(self):
        connection = Connection(self.address)
        key = self.random.choice(self.keys)
        body, wanted = self.random.choice([
            (b"{", 400), (b'{"model": "not-configured", "messages": []}', 404), (b"\xff\xfe", 400),
            (b'{"model": "good", "model": "bad", "messages": []}', 400), (b"[]", 400)])
        await connection.send(request_bytes(self.address, "POST", "/v1/chat/completions", key,
                                            "application/json", body))
        answer = await connection.read_answer()
        connection.close()
        self.book.answered += 1
        if answer.status != wanted or b'"error"' not in answer.body:
            self.book.wrong(f"nonsense {body!r}: {answer.status} {answer.body[:200]!r}")


class Counted:
    """Always asks for one model with a limit: no window has more admits, and before a refusal it
    has as many as the limit."""

    def __init__(self, book, address, key, rpm, window_s):
        self.book, self.address, self.key, self.rpm, self.window_s = \
            book, address, key, rpm, window_s
        self.admitted = []  # (sent, answered)
        self.cut = []  # the same of requests whose answer did not arrive
        self.refusals = []  # (sent, how many were admitted before it, how many cut)
        self.is_done = False

    async def run(self):
        connection = Connection(self.address)
        loop = asyncio.get_running_loop()
        while not self.is_done:
            nonce = secrets.token_hex(8)
            body = answers.json_request("/v1/chat/completions", "counted",
                                        answers.prompt(nonce, "none", 16, 0), False)
            sent = loop.time()
            try:
                await connection.send(request_bytes(
                    self.address, "POST", "/v1/chat/completions", self.key, "application/json",
                    body))
                answer = await connection.read_answer()
            except (asyncio.IncompleteReadError, ConnectionError):
                connection.close()
                self.book.uncertain += 1
                self.cut.append((sent, loop.time()))
                continue
            self.book.answered += 1
            if answer.status == 200:
                self.admitted.append((sent, loop.time()))
            elif answer.status == 429 and json.loads(answer.body)["error"]["code"] == 429:
                self.refusals.append((sent, len(self.admitted), len(self.cut)))
                await asyncio.sleep(0.02)
            else:
                self.book.wrong(f"counted: {answer.status} {answer.body[:200]!r}")
        connection.close()

    @property
    def refused(self):
        return len(self.refusals)

    def check(self):
        # The limiter counts in whole milliseconds, rounded down.
        certain_s = self.window_s - 0.001
        first = 0
        for number, (_, answered) in enumerate(self.admitted):
            while self.admitted[first][0] < answered - certain_s:
                first += 1
            if number - first + 1 > self.rpm:
                self.book.wrong(f"limiter: {number - first + 1} admitted within "
                                f"{self.window_s} s, the limit is {self.rpm}")
                return
        for sent, admitted, cut in self.refusals:
            begin = sent - self.window_s - 0.001
            held = sum(answered >= begin for _, answered in self.admitted[:admitted][-self.rpm:])
            held += sum(answered >= begin for _, answered in self.cut[:cut])
            if held < self.rpm:
                self.book.wrong(f"limiter: refused after {held} in {self.window_s} s, "
                                f"the limit is {self.rpm}")
                return
