"""A model server for the soak that fails as it is told by the mark of a request."""

import asyncio
import json
import socket
import struct

import answers

USAGE = json.dumps({"id": "u", "object": "chat.completion.chunk", "created": 1, "model": "served",
                    "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4,
                                             "total_tokens": 7}})


def head(status, fields):
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode()


def with_length(status, content_type, body, **fields):
    length = {"Content-Length": len(body)}
    return head(status, {"Content-Type": content_type, **length, **fields}) + body


def error_body(text):
    return json.dumps({"error": {"message": text, "type": "server_error", "param": None,
                                 "code": None}}).encode()


GARBAGE = b"\x00\xff this is no HTTP \r\n\r\n\r\n"
HALF_JSON = b'{"id": "half'


class Upstream:
    """`is_faulty`: obeys the fault in the mark; otherwise every answer is good."""

    def __init__(self, is_faulty):
        self.is_faulty = is_faulty
        self.requests = 0
        self.damaged = []  # requests that did not arrive as they were sent
        self._server = None

    async def start(self):
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=512)
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}/v1"

    async def _connection(self, reader, writer):
        try:
            while await self._exchange(reader, writer):
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError,
                asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader, writer):
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = lines[0].split(" ")[1]
        fields = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip()
                  for line in lines[1:] if ":" in line}
        if fields.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await reader.readline(), 16):
                body += await reader.readexactly(size)
                await reader.readexactly(2)
            await reader.readline()
        else:
            body = await reader.readexactly(int(fields.get("content-length", 0)))
        self.requests += 1
        mark = answers.MARK.search(body)
        if not mark:
            self.damaged.append(f"{path}: no mark in {len(body)} bytes")
            writer.write(with_length(400, "application/json", error_body("no mark")))
            return True
        nonce, fault, size, pad = (group.decode() for group in mark.groups())
        padding = answers.repeated(nonce, int(pad)).encode()
        if body[mark.end():mark.end() + len(padding)] != padding:
            self.damaged.append(f"{path}: {nonce} arrived damaged")
        is_streaming = b'"stream": true' in body or b'"stream":true' in body
        if not self.is_faulty:
            fault = "none"
        asks_usage = b"include_usage" in body
        return await self._answer(writer, path, nonce, fault, int(size), is_streaming, asks_usage)

    async def _answer(self, writer, path, nonce, fault, size, is_streaming, asks_usage):
        """Whether the connection stays."""
        content_type, body = answers.answer(path, nonce, size)
        if fault in ("reset", "cut-head", "stall", "garbage", "cut-body", "bad-length"):
            if fault == "stall":
                await asyncio.sleep(2)
            elif fault == "garbage":
                writer.write(GARBAGE)
            elif fault == "cut-head":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Ty")
            elif fault == "cut-body":
                writer.write(with_length(200, content_type, body)[:-3])
            elif fault == "bad-length":
                writer.write(head(200, {"Content-Type": content_type, "Content-Length": "-5"}))
            elif fault == "reset":
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, linger)
            await writer.drain()
            return False
        if fault.startswith("http-"):
            status = int(fault[5:])
            more = {"Retry-After": "1"} if status == 429 else {}
            writer.write(with_length(status, "application/json", error_body("on purpose"), **more))
            return True
        if fault == "half-json":
            writer.write(with_length(200, "application/json", HALF_JSON))
            return True
        if not is_streaming:
            writer.write(with_length(200, content_type, body))
            return True
        return await self._stream(writer, path, nonce, fault, size, asks_usage)

    async def _stream(self, writer, path, nonce, fault, size, asks_usage):
        writer.write(head(200, {"Content-Type": "text/event-stream",
                                "Transfer-Encoding": "chunked"}))
        events = answers.events(path, nonce, size)
        if asks_usage and events[-1] == "[DONE]":
            events.insert(-1, USAGE)
        for number, data in enumerate(events):
            if number == 2 and fault == "cut-stream":
                return False
            if number == 2 and fault == "cut-event":
                half = answers.event_bytes(data)[:20]
                writer.write(b"%x\r\n%s\r\n" % (len(half), half))
                await writer.drain()
                return False
            if fault == "slow-stream":
                await asyncio.sleep(0.05)
            chunk = answers.event_bytes(data)
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        return True
