"""Runs one client library against the real binary: run_client.py BINARY clients/FILE

A file of clients/ is one client: its ending says what runs it (.py, .mjs, .java, .html), and
`suite: core` or `suite: all` in its head whether CI runs it or `./dev test --all` alone. Packages
of PyPI or npm are pinned in python/NAME.txt or node/NAME.json, NAME being that of the client file.

It runs the cases below in this order and prints `ok CASE` for each that holds, or `without CASE:
REASON` where the library has no such thing; it ends with a status other than 0 at the first that
does not hold. What the gateway logged and the provider saw of it is checked here.
Exit status 77: the client was skipped, because what it needs is not installed.
"""

import hashlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

import daemon
import provider

HERE = pathlib.Path(__file__).resolve().parent
KEY = "sk-sg-end-to-end-key-0000000000000000000000"
SKIPPED = 77
CASES = ["chat", "stream", "tools", "structured", "embeddings", "errors", "rate_limit", "retry",
         "long_stream", "abort", "complete_ends", "broken_streams"]
# What the access log says of a model that the provider's scripts answer in an odd way.
OUTCOMES = {"endless": "client_gone", "silent": "client_gone", "no-done": "ok",
            "silent-end": "ok", "until-close": "ok", "error-in-chunk": "upstream_failed",
            "dies-mid-stream": "upstream_closed", "refuses": "upstream_rejected",
            "fails": "upstream_failed", "long": "ok", "assistant": "ok"}

CONFIG = """
server:
  listen: [{{address: "127.0.0.1:0"}}]
  timeouts: {{header: 10s, body: 30s, idle: 75s, drain: 2s}}
  cors: {{origins: ["http://localhost:{port}"], max_age: 10m}}  # of the page of a browser
admin: {{listen: "127.0.0.1:0"}}
limiter: {{window: 2s}}
streams: {{end_grace: 500ms}}
upstreams:
  provider: {{kind: openai, base_url: "{base_url}", api_key: sk-provider-secret}}
  failing: {{kind: openai, base_url: "{base_url}", api_key: sk-provider-secret}}
models:
  assistant: {{route: [{{upstream: provider, model: large-at-provider}}]}}
  once: {{limits: {{rpm: 1}}, route: [{{upstream: provider, model: large-at-provider}}]}}
  retried: {{limits: {{rpm: 1}}, route: [{{upstream: provider, model: large-at-provider}}]}}
{odd}users:
  alice:
    keys: [{{id: test, sha256: "{digest}"}}]
"""


class Unavailable(Exception):
    """What the client needs is not installed."""


class TooOld(Exception):
    """This machine's interpreter cannot run the client: skipped even where SDKs are required."""


def installed(folder):
    reason = daemon.unavailable(folder)
    if reason is not None:
        raise Unavailable(reason)
    if not (folder / ".stamp").exists():
        raise Unavailable(f"{folder} is missing: SLUICEGATE_SLOW=all tests/e2e/setup.sh makes it")
    return folder


def program(*names):
    for name in names:
        if found := shutil.which(name):
            return found
    raise Unavailable(f"{names[0]} is not installed")


def command_of(client):
    name = client.stem
    if client.suffix == ".py":
        return [str(installed(daemon.sdk_folder() / f"python-{name}") / "bin/python"), "-BP",
                str(client)]
    if client.suffix == ".mjs":
        node = program("node")
        reason = daemon.node_too_old(HERE / "node" / f"{name}.json")
        if reason is not None:
            raise TooOld(reason)
        return [node, str(client),
                str(installed(daemon.sdk_folder() / f"node-{name}"))]
    if client.suffix == ".java":
        program("javac")  # a runtime alone cannot run a source
        return [program("java"), str(client)]
    if client.suffix == ".html":
        sdks = [folder for folder in daemon.sdk_folder().glob("node-[0-9]*")
                if (folder / ".stamp").exists()]
        if not sdks:
            raise Unavailable("no OpenAI SDK for the page could be installed")
        browser = program("chromium-headless-shell", "chromium")
        return [sys.executable, "-B", str(HERE / "browser.py"), browser, str(client),
                str(max(sdks))]
    raise ValueError(f"nothing runs {client}")


def upstream_of(model):
    """Failures are another upstream's, so that its breaker concerns no other model."""
    return "provider" if OUTCOMES[model] == "ok" else "failing"


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def check_gateway_side(gateway, upstream, cases):
    def entries_of(model, count=1):
        return gateway.wait_for_entries(
            lambda entry: entry.get("model") == model and "status" in entry, count)

    for model, outcome in OUTCOMES.items():
        asked = [entry for entry in gateway.entries() if entry.get("model") == model]
        seen = [entry["outcome"] for entry in entries_of(model, 1 if asked else 0)
                if "status" in entry]
        expect(set(seen) <= {outcome}, f"{model} was logged as {seen}")
    if "abort" in cases:
        expect(entries_of("endless"), "the stream that the client left is not in the log")
        expect(upstream.saw_departure("endless"), "the upstream of a departed client went on")
    if "retry" in cases:
        statuses = [entry["status"] for entry in entries_of("retried", 3)]
        expect(statuses.count(200) == 2 and set(statuses) == {200, 429},
               f"an automatic retry gave {statuses}")
    for path, headers, _ in upstream.requests:
        expect(headers.get("authorization") == "Bearer sk-provider-secret", path)
    log = "\n".join(gateway.lines)
    for secret in (KEY, hashlib.sha256(KEY.encode()).hexdigest(), "sk-provider-secret",
                   "a-prompt-nobody-may-log"):
        expect(secret not in log, f"{secret} in the log")
    agents = {entry["user_agent"] for entry in gateway.entries() if entry.get("user_agent")}
    print("user agents:", *sorted(agents), sep="\n  ")


def run(binary, client, command):
    with tempfile.TemporaryDirectory() as folder, provider.Provider() as upstream, \
            socket.create_server(("127.0.0.1", 0)) as page:
        config = pathlib.Path(folder) / "sluicegate.yaml"
        odd = "".join(f"  {model}: {{route: [{{upstream: {upstream_of(model)}}}]}}\n"
                      for model in OUTCOMES if model != "assistant")
        config.write_text(CONFIG.format(
            base_url=upstream.base_url, odd=odd, port=page.getsockname()[1],
            digest=hashlib.sha256(KEY.encode()).hexdigest()))
        with daemon.Daemon(binary, config, listeners=2) as gateway:
            result = subprocess.run(
                command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240,
                pass_fds=[page.fileno()],
                env={**os.environ, "SLUICEGATE_KEY": KEY, "PYTHONPATH": str(HERE),
                     "SLUICEGATE_URL": f"http://{gateway.address()}/v1",
                     "SLUICEGATE_PAGE_SOCKET": str(page.fileno())})
            print(result.stdout)
            lines = [line.split() for line in result.stdout.splitlines()]
            told = [line[1].rstrip(":") for line in lines if line[:1] in (["ok"], ["without"])]
            done = [line[1] for line in lines if line[:1] == ["ok"]]
            expect(result.returncode == 0, f"{client.name} ended with {result.returncode}")
            expect(told == CASES, f"cases that were told of: {told}")
            check_gateway_side(gateway, upstream, done)
    return 0


def main(binary, file):
    client = HERE / "clients" / file
    try:
        command = command_of(client)
    except (Unavailable, TooOld) as reason:
        if os.environ.get("SLUICEGATE_REQUIRE_SDKS") == "1" and isinstance(reason, Unavailable):
            sys.exit(f"{file}: {reason}")
        print(f"skipped {file}: {reason}")
        return SKIPPED
    return run(binary, client, command)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
