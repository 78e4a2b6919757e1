"""Runs one SDK version against the real binary: run_sdk.py BINARY python|node VERSION

What the SDK sees is checked by client_python.py and client_node.mjs, which name the same cases;
what only the gateway sees (attempts, what reached the provider) is checked here.
Exit status 77: the SDK was skipped, because the interpreter is too old for it, or because setup.sh
could not install it and was not told to insist.
"""

import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

import daemon
import provider

HERE = pathlib.Path(__file__).resolve().parent
KEY = "sk-sg-end-to-end-key-0000000000000000000000"
SKIPPED = 77
CASES = ["list_models", "chat", "chat_stream", "completions", "embeddings", "responses",
         "responses_stream", "authentication_error", "not_found_error", "rate_limit_error",
         "automatic_retry", "automatic_retry_of_a_stream", "automatic_retry_for_tokens",
         "large_upload", "stream_that_dies", "cut_streams", "cut_responses", "converted_stream",
         "stream_helper", "transcription", "failover", "complete_ends", "departure_at_the_end",
         "errors_in_streams", "azure"]
CUTS = ["cut-before-head", "cut-after-head", "cut-after-event", "cut-in-event", "cut-clean",
        "cut-bare-error"]
# Streams that end in other ways than with [DONE], and what the access log says of each.
ENDS = {"no-done": "ok", "silent-end": "ok", "until-close": "ok", "left-at-end": "ok",
        "error-in-chunk": "upstream_failed", "error-event": "upstream_failed"}

CONFIG = """
server:
  listen:
    - address: 127.0.0.1:0
  max_body: 8MiB
  timeouts: {{header: 10s, body: 30s, idle: 75s, drain: 2s}}
admin:
  listen: 127.0.0.1:0
limiter:
  window: 2s
streams: {{end_grace: 500ms}}
upstreams:
  local: {{kind: echo, tokens: 8}}
  provider: {{kind: openai, base_url: "{base_url}", api_key: sk-provider-secret}}
  dying: {{kind: openai, base_url: "{base_url}", api_key: sk-provider-secret}}
models:
  echo: {{route: [{{upstream: local}}]}}
  once: {{limits: {{rpm: 1}}, route: [{{upstream: local}}]}}
  retried: {{limits: {{rpm: 1}}, route: [{{upstream: local}}]}}
  retried-stream: {{limits: {{rpm: 1}}, route: [{{upstream: local}}]}}
  retried-tokens: {{limits: {{tpm: 400}}, route: [{{upstream: local}}]}}
  never-streams: {{route: [{{upstream: provider}}]}}
{scripted}  dies-mid-stream: {{route: [{{upstream: provider}}]}}
  left-at-end: {{route: [{{upstream: provider, model: silent-end}}]}}
  survives:
    route: [{{upstream: dying, model: cut-before-head}}]
    fallback: [{{upstream: local}}]
  whisper: {{route: [{{upstream: provider, model: whisper-at-provider}}]}}
users:
  alice:
    keys:
      - {{id: test, sha256: "{digest}"}}
"""


def sdk_command(kind, version):
    """The interpreter and script; None when this version was skipped."""
    folder = daemon.sdk_folder() / f"{kind}-{version}"
    reason = daemon.unavailable(folder)
    if reason is not None:
        print(f"skipped: {reason}")
        return None
    if kind == "python":
        if not (folder / ".stamp").exists():
            sys.exit(f"{folder} is missing: run tests/e2e/setup.sh")
        return [str(folder / "bin/python"), str(HERE / "client_python.py")]
    reason = daemon.node_too_old(HERE / "node" / f"openai-{version}.json")
    if reason is not None:
        print(f"skipped: {reason}")
        return None
    if not (folder / ".stamp").exists():
        sys.exit(f"{folder} is missing: run tests/e2e/setup.sh")
    return ["node", str(HERE / "client_node.mjs"), str(folder)]


def statuses_of(gateway, model, count):
    """The statuses in the access log for that model; each worker writes its own lines."""
    return [entry["status"] for entry in gateway.wait_for_entries(
        lambda entry: entry.get("model") == model and "status" in entry, count)]


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def check_gateway_side(gateway, upstream):
    refused = gateway.wait_for_entries(lambda entry: entry.get("status") == 413, 1)
    expect(len(refused) == 1, f"the large upload took {len(refused)} attempts, not one")
    for model in ("retried", "retried-stream", "retried-tokens"):
        retried = statuses_of(gateway, model, 3)
        expect(retried.count(200) == 2 and set(retried) == {200, 429},
               f"an automatic retry on {model} gave {retried}")
    dying = statuses_of(gateway, "dies-mid-stream", 1)
    expect(len(dying) == 1, f"a stream that dies was asked for {len(dying)} times")
    for model, outcome in ENDS.items():
        logged = [entry["outcome"] for entry in gateway.wait_for_entries(
            lambda entry: entry.get("model") == model and "status" in entry, 1)]
        expect(logged and set(logged) == {outcome}, f"{model} was logged as {logged}")
    for path, headers, _ in upstream.requests:
        expect(headers.get("authorization") == "Bearer sk-provider-secret", path)
        expect(not any(name.startswith("x-stainless") for name in headers), str(headers))
    log = "\n".join(gateway.lines)
    for secret in (KEY, hashlib.sha256(KEY.encode()).hexdigest(), "sk-provider-secret",
                   "a-prompt-nobody-may-log"):
        expect(secret not in log, f"{secret} in the log")


def main(binary, kind, version):
    command = sdk_command(kind, version)
    if command is None:
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder, provider.Provider() as upstream:
        config = pathlib.Path(folder) / "sluicegate.yaml"
        scripted = "".join(f"  {name}: {{route: [{{upstream: provider}}]}}\n"
                           for name in [*CUTS, *ENDS] if name != "left-at-end")
        config.write_text(CONFIG.format(base_url=upstream.base_url, scripted=scripted,
                                        digest=hashlib.sha256(KEY.encode()).hexdigest()))
        with daemon.Daemon(binary, config, listeners=2) as gateway:
            result = subprocess.run(
                command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240,
                env={**os.environ, "SLUICEGATE_KEY": KEY,
                     "SLUICEGATE_URL": f"http://{gateway.address()}/v1"})
            print(result.stdout)
            done = [line.removeprefix("ok ") for line in result.stdout.splitlines()
                    if line.startswith("ok ")]
            expect(result.returncode == 0, f"the client ended with {result.returncode}")
            expect(done == CASES, f"cases that passed: {done}")
            check_gateway_side(gateway, upstream)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
