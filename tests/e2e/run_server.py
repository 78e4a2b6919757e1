"""Runs real model servers behind the real binary: run_server.py BINARY servers/FILE

A file of servers/ starts one server with a model of random weights and prints one line of JSON when
it listens: `url`, `model`, `endless`, what a request needs so that it does not end before
`max_tokens`, and `busy`, the metric that counts the requests it works on, or null. Two of it stand
behind the gateway. What a client sees through the gateway is compared with what the server says
itself, and the servers are killed, stopped and left in the middle of their work.
Exit status 77: skipped, because what the server needs is not installed.
"""

import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import daemon
import run_client
from run_client import KEY, SKIPPED, expect

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE_S = 120  # until a server has loaded its model
MESSAGES = [{"role": "user", "content": "a-prompt-nobody-may-log: tell me about limits"}]
# What differs between two answers to the same request.
VOLATILE = {"id", "created", "created_at", "model", "timings", "system_fingerprint",
            "prompt_tokens_details", "completed_at", "input_tokens_details"}

CONFIG = """
server: {{listen: [{{address: "127.0.0.1:0"}}]}}
admin: {{listen: "127.0.0.1:0"}}
upstreams:
  servers:
    kind: openai
    endpoints: [{endpoints}]
    max_in_flight: 2
    on_full: queue
    queue: {{max_waiting: 8, timeout: 60s}}
    health: {{path: /health, every: 500ms, timeout: 2s}}
    timeouts: {{connect: 2s, between_bytes: 60s}}
models:
  local: {{route: [{{upstream: servers, model: "{model}"}}]}}
users:
  alice: {{keys: [{{id: test, sha256: "{digest}"}}]}}
"""


class Server:
    """One process of the server, until the `with` block ends."""

    def __init__(self, command):
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log,
            text=True, start_new_session=True, env={**os.environ, "PYTHONPATH": str(HERE)})
        self._said = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        with contextlib.suppress(queue.Empty):
            said = self._said.get(timeout=PATIENCE_S)
            if said is not None:
                self.url, self.model = said["url"], said["model"]
                self.endless, self._busy = said["endless"], said["busy"]
                return
        self.__exit__()
        self._log.seek(0)
        raise RuntimeError("the server did not start:\n" +
                           self._log.read().decode(errors="replace")[-8000:])

    def _read(self):
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                self._said.put(json.loads(line))
        self._said.put(None)

    def send(self, number):
        os.killpg(self._process.pid, number)

    def busy(self):
        """How many requests it works on, as it says itself; None where it does not say."""
        if self._busy is None:
            return None
        page = ask(self.url, "GET", "/metrics")[1].decode()
        return sum(float(line.split()[-1]) for line in page.splitlines()
                   if line.startswith(self._busy))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            self.send(signal.SIGKILL)
        self._process.wait()


def connect(url):
    return http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=120)


def ask(url, method, path, body=None, agent="ask"):
    connection = connect(url)
    fields = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json",
              "User-Agent": agent}
    connection.request(method, path, json.dumps(body) if body else None, fields)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


def stream(url, path, body, leave_after=None, begun=None, agent="stream"):
    """The events of a stream as JSON, [DONE] as None; an error at its end as an exception.
    `begun` is released at the first event."""
    connection = connect(url)
    fields = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json",
              "User-Agent": agent}
    connection.request("POST", path, json.dumps({**body, "stream": True}), fields)
    answer = connection.getresponse()
    out = []
    try:
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {answer.read().decode()}")
        for line in answer:
            if line.startswith(b"data: "):
                if begun and not out:
                    begun.release()
                text = line[6:].strip()
                out.append(None if text == b"[DONE]" else json.loads(text))
                if out[-1] and out[-1].get("error"):
                    raise RuntimeError(out[-1]["error"]["message"])
                if leave_after and len(out) >= leave_after:
                    return out
        return out
    finally:
        answer.close()
        connection.close()


def steady(value):
    """Without what differs between two answers."""
    if isinstance(value, dict):
        return {name: steady(member) for name, member in value.items() if name not in VOLATILE}
    if isinstance(value, list):
        return [steady(member) for member in value]
    return "a number" if isinstance(value, float) else value  # the last digits of a logprob


def words_of(body):
    """The message of an error, in the shapes that servers give it."""
    try:
        said = json.loads(body)
    except ValueError:
        return body.decode()
    error = said.get("error", said.get("detail", said))
    return error["message"] if isinstance(error, dict) else str(error)


def text_of(events):
    out = ""
    for event in filter(None, events):
        if event.get("type") == "response.output_text.delta":
            out += event["delta"]
        elif event.get("choices"):
            choice = event["choices"][0]
            out += choice.get("text") or choice.get("delta", {}).get("content") or ""
    return out


def usage_of(events):
    told = [event.get("response", event).get("usage") for event in filter(None, events)]
    return steady(list(filter(None, told))[-1:])


def wait_until(holds, text, patience_s=20):
    deadline = time.monotonic() + patience_s
    while not holds():
        expect(time.monotonic() < deadline, text)
        time.sleep(0.05)


class Suite:
    def __init__(self, gateway, servers):
        self.gateway, self.servers = gateway, servers
        self.url = f"http://{gateway.address()}"
        self.model = servers[0].model
        self.endless = servers[0].endless

    def requests(self):
        chat = {"messages": MESSAGES, "max_tokens": 12, "temperature": 0}
        yield "/v1/chat/completions", chat
        yield "/v1/chat/completions", {**chat, "logprobs": True, "top_logprobs": 2}
        _, answer = ask(self.servers[0].url, "POST", "/v1/chat/completions",
                        {**chat, "model": self.model})
        text = json.loads(answer)["choices"][0]["message"]["content"]
        yield "/v1/chat/completions", {**chat, "stop": [text[len(text) // 2:][:2]]}
        yield "/v1/completions", {"prompt": "limits are", "max_tokens": 12, "temperature": 0}
        yield "/v1/responses", {"input": "limits are", "max_output_tokens": 20, "temperature": 0}

    def equal_answers(self):
        for path, body in self.requests():
            # transformers serve streams responses unless told otherwise; the gateway's clients get
            # JSON.
            direct = ask(self.servers[0].url, "POST", path,
                         {**body, "model": self.model, "stream": False})
            through = ask(self.url, "POST", path, {**body, "model": "local"})
            expect(direct[0] == through[0] == 200, f"{path}: {direct[0]}, {through}")
            first, second = json.loads(direct[1]), json.loads(through[1])
            expect(steady(first) == steady(second), f"{path}:\n{first}\n{second}")
            expect(second["model"] == "local", second["model"])

    def equal_streams(self):
        for path, body in self.requests():
            for options in ({}, {"stream_options": {"include_usage": True}}):
                if options and path == "/v1/responses":
                    continue
                asked = {**body, **options}
                direct = stream(self.servers[0].url, path, {**asked, "model": self.model})
                through = stream(self.url, path, {**asked, "model": "local"})
                what = f"{path} {options}:\n{direct}\n{through}"
                expect(text_of(direct) == text_of(through), what)
                expect(text_of(direct) or "stop" in body, what)
                expect((None in direct) == (None in through), what)
                expect(not options or usage_of(direct) == usage_of(through) != [], what)

    def books(self):
        """The access log has the usage that the server reports."""
        body = {"messages": MESSAGES, "max_tokens": 20, "temperature": 0}
        _, answer = ask(self.servers[0].url, "POST", "/v1/chat/completions",
                        {**body, "model": self.model})
        usage = json.loads(answer)["usage"]
        ask(self.url, "POST", "/v1/chat/completions", {**body, "model": "local"}, agent="books")
        stream(self.url, "/v1/chat/completions", {**body, "model": "local"}, agent="books")
        for line in self.lines("books", 2):
            booked = (line["input_tokens"], line["output_tokens"], line["usage_source"])
            expect(booked == (usage["prompt_tokens"], usage["completion_tokens"], "reported"),
                   f"{booked}, but the server says {usage}")

    def several_choices(self):
        """A user is charged for each choice, whatever the server reports."""
        body = {"messages": MESSAGES, "max_tokens": 10, "n": 2, **self.endless}
        _, answer = ask(self.servers[0].url, "POST", "/v1/chat/completions",
                        {**body, "model": self.model})
        if len(json.loads(answer)["choices"]) != 2:
            print("without several_choices: the server gives one")
            return
        status, answer = ask(self.url, "POST", "/v1/chat/completions", {**body, "model": "local"},
                             agent="several")
        expect(status == 200 and len(json.loads(answer)["choices"]) == 2, answer)
        booked = self.lines("several", 1)[0]["output_tokens"]
        expect(booked >= 16, f"{booked} of 20 tokens are charged")

    def lines(self, agent, count):
        found = self.gateway.wait_for_entries(
            lambda entry: entry.get("user_agent") == agent, count)
        expect(len(found) == count, f"{len(found)} access lines of {agent}")
        return found

    def refusals(self):
        """A caller's bad requests cost no endpoint its health, and say why they are bad."""
        picture = [{"type": "image_url",
                    "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]
        bad = [{"messages": [{"role": "user", "content": picture}]},
               {"messages": [{"role": "user", "content": "x " * 5000}]},
               {"messages": "hot"}]
        for body in bad:
            direct = ask(self.servers[0].url, "POST", "/v1/chat/completions",
                         {**body, "model": self.model, "max_tokens": 5})
            if direct[0] < 400:
                print(f"  the server takes {str(body)[:80]}")
                continue
            said = set()
            for _ in range(12):
                status, answer = ask(self.url, "POST", "/v1/chat/completions",
                                     {**body, "model": "local", "max_tokens": 5})
                said.add((status, json.loads(answer)["error"]["message"]))
                # Others use the servers meanwhile: that both answer them shows whose fault it is.
                status, answer = ask(self.url, "POST", "/v1/chat/completions",
                                     {"messages": MESSAGES, "max_tokens": 2, "model": "local"})
                expect(status == 200, f"a good request among bad ones got {status}: {answer}")
            words = words_of(direct[1])
            print(f"  direct {direct[0]} {words}\n  through the gateway {sorted(said)}")
            expect(all(status >= 400 and words[:40] in text for status, text in said),
                   f"the server said: {words}")
        self.all_healthy()

    def all_healthy(self):
        admin = f"http://{self.gateway.address('admin')}"
        expect(ask(admin, "GET", "/readyz")[0] == 200, "/readyz is not 200")
        expect(self.states() == ["healthy"] * 2, f"endpoints: {self.states()}")

    def upstream(self):
        admin = f"http://{self.gateway.address('admin')}"
        (upstream,) = json.loads(ask(admin, "GET", "/status")[1])["upstreams"]
        return upstream

    def states(self):
        return [endpoint["state"] for endpoint in self.upstream()["endpoints"]]

    def departures(self):
        """A server stops its work when the client leaves the gateway."""
        if self.servers[0].busy() is None:
            print("without departures: the server does not tell what it works on")
            return
        long = {"messages": MESSAGES, "max_tokens": 400, "temperature": 0, "model": "local",
                **self.endless}
        for _ in range(4):
            stream(self.url, "/v1/chat/completions", long, leave_after=4)
        wait_until(lambda: sum(server.busy() for server in self.servers) == 0,
                   "a server goes on for a client that has left", 5)

    def stopped(self):
        """A server that hangs gets no requests, until it answers its health checks again."""
        self.servers[1].send(signal.SIGSTOP)
        try:
            wait_until(lambda: self.states() == ["healthy", "checking_failed"],
                       "it is not noticed")
            for _ in range(4):
                status, answer = ask(self.url, "POST", "/v1/chat/completions",
                                     {"messages": MESSAGES, "max_tokens": 5, "model": "local"})
                expect(status == 200, answer)
        finally:
            self.servers[1].send(signal.SIGCONT)
        wait_until(lambda: self.states() == ["healthy"] * 2, "its return is not noticed")

    def death(self):
        """Of 4 running and 4 waiting requests only those of the killed server are lost."""
        long = {"messages": MESSAGES, "max_tokens": 400, "temperature": 0, "model": "local",
                **self.endless}

        begun = threading.Semaphore(0)

        def run(_):
            try:
                events = stream(self.url, "/v1/chat/completions", long, begun=begun)
                return text_of(events) and "ok"
            except (RuntimeError, OSError, http.client.HTTPException) as error:
                return f"{type(error).__name__}: {error}"

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            running = [pool.submit(run, number) for number in range(4)]
            expect(all(begun.acquire(timeout=20) for _ in range(4)), "4 streams do not begin")
            waiting = [pool.submit(run, number) for number in range(4)]
            wait_until(lambda: self.upstream()["waiting"] == 4, "4 wait")
            self.servers[1].send(signal.SIGKILL)
            ran = [future.result() for future in running]
            waited = [future.result() for future in waiting]
        expect(ran.count("ok") == 2, f"running: {ran}, waiting: {waited}")
        expect(waited == ["ok"] * 4, f"running: {ran}, waiting: {waited}")


CASES = ["equal_answers", "equal_streams", "books", "several_choices", "departures", "stopped",
         "refusals", "death"]


def main(binary, file):
    script = HERE / "servers" / file
    try:
        packages = re.search(r"packages: (\w+)", script.read_text())
        name = packages.group(1) if packages else script.stem
        folder = run_client.installed(daemon.sdk_folder() / f"python-{name}")
    except run_client.Unavailable as reason:
        if os.environ.get("SLUICEGATE_REQUIRE_SDKS") == "1":
            sys.exit(f"{file}: {reason}")
        print(f"skipped {file}: {reason}")
        return SKIPPED
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        command = [str(folder / "bin/python"), "-BP", str(script), place]
        servers = [stack.enter_context(Server(command)) for _ in range(2)]
        config = pathlib.Path(place) / "sluicegate.yaml"
        config.write_text(CONFIG.format(
            endpoints=", ".join(f'"{server.url}/v1"' for server in servers),
            model=servers[0].model, digest=hashlib.sha256(KEY.encode()).hexdigest()))
        gateway = stack.enter_context(daemon.Daemon(binary, config, listeners=2))
        suite = Suite(gateway, servers)
        for name in CASES:
            getattr(suite, name)()
            print("ok", name, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
