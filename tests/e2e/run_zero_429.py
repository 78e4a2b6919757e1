"""No client sees a 429 while capacity stands idle: run_zero_429.py BINARY

A load whose peak is ten times its average meets a provider that throttles by tokens and a GPU
server with fixed places: without sluicegate, with the GPU as what is reserved and used first, with
the GPU as the fallback, and with a GPU that is killed in the middle of the peak.
"""

import asyncio
import collections
import hashlib
import json
import pathlib
import sys
import tempfile
import time

import daemon
import throttled

SPAN_S = 7.0
PEAK_AT_S, PEAK_FOR_S = 2.5, 0.5
AVERAGE_PER_S = 15
PEAK_PER_S = 10 * AVERAGE_PER_S
MAX_TOKENS = 480
PROMPT = "x" * 80  # 20 tokens
COST = MAX_TOKENS + len(PROMPT) // 4
BURST, PROVIDER_PER_S = 50, 10  # requests that the provider's bucket holds, and that come back
PLACES, GPU_SECONDS = 8, 0.06
USERS = [f"user{number}" for number in range(5)]

CONFIG = """
server:
  listen:
    - address: 127.0.0.1:0
  timeouts: {{header: 10s, body: 30s, idle: 75s, drain: 5s}}
admin:
  listen: 127.0.0.1:0
retries: {{budget: 20%, minimum: 50}}
upstreams:
  provider: {{kind: openai, base_url: "{provider}", api_key: sk-provider}}
  gpu:
    kind: openai
    endpoints: ["{gpu}"]
    max_in_flight: {places}
    on_full: {on_full}
models:
  m: {{{route}}}
users:
{users}"""
GPU_FIRST = "route: [{upstream: gpu}], fallback: [{upstream: provider}]"
PROVIDER_FIRST = "route: [{upstream: provider}], fallback: [{upstream: gpu}]"


def key_of(user):
    return f"sk-sg-zero-{user}-000000000000000000000000000000"


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def times_of_load():
    """Seconds from the start at which requests are sent: steady, with one peak."""
    peak = [PEAK_AT_S + i / PEAK_PER_S for i in range(int(PEAK_PER_S * PEAK_FOR_S))]
    rest = int(AVERAGE_PER_S * SPAN_S) - len(peak)
    quiet = SPAN_S - PEAK_FOR_S
    steady = [i * quiet / rest for i in range(rest)]
    return sorted(peak + [at if at < PEAK_AT_S else at + PEAK_FOR_S for at in steady])


async def ask(address, number):
    """One request on a connection of its own: the status, 0 when the answer was not whole."""
    is_streaming = number % 2 == 0
    body = json.dumps({"model": "m", "max_tokens": MAX_TOKENS, "stream": is_streaming,
                       "messages": [{"role": "user", "content": PROMPT}]}).encode()
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write((f"POST /v1/chat/completions HTTP/1.1\r\nHost: {address}\r\n"
                      f"Authorization: Bearer {key_of(USERS[number % len(USERS)])}\r\n"
                      "Content-Type: application/json\r\nConnection: close\r\n"
                      f"Content-Length: {len(body)}\r\n\r\n").encode() + body)
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split()[1])
        if status != 200:
            return status
        end = b"data: [DONE]\n\n" if is_streaming else b"}"
        received = b""
        while end not in received[-64:]:
            more = await reader.read(65536)
            if not more:
                return 0
            received += more
        return 200
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0
    finally:
        writer.close()


async def apply_load(address, on_progress=lambda number: None):
    """The answers by status, and the slowest's seconds."""
    statuses = collections.Counter()
    seconds = []
    start = time.monotonic()

    async def one(at, number):
        await asyncio.sleep(max(0, start + at - time.monotonic()))
        on_progress(number)
        sent = time.monotonic()
        statuses[await ask(address, number)] += 1
        seconds.append(time.monotonic() - sent)

    await asyncio.gather(*(one(at, number) for number, at in enumerate(times_of_load())))
    return statuses, sorted(seconds)


async def start_servers():
    provider = throttled.Provider(BURST * COST, PROVIDER_PER_S * COST, seconds=0.03)
    gpu = throttled.Gpu(PLACES, GPU_SECONDS)
    await provider.start()
    await gpu.start()
    return provider, gpu


def users_text():
    return "".join(
        f"  {user}:\n    keys:\n      - {{id: {user}, sha256: "
        f"\"{hashlib.sha256(key_of(user).encode()).hexdigest()}\"}}\n" for user in USERS)


def counters(text, name, labels):
    """The samples of a metric that are not 0, summed by these labels."""
    out = collections.Counter()
    for line in text.splitlines():
        if line.startswith(name + "{"):
            values = [line.split(f'{label}="', 1)[1].split('"', 1)[0] for label in labels]
            out[" ".join(values)] += int(float(line.rsplit(" ", 1)[1]))
    return dict(+out)


async def metrics_of(gateway):
    host, port = gateway.address("admin").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    text = (await reader.read(-1)).decode()
    writer.close()
    return text


def report(name, statuses, seconds):
    middle, late = seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.99)]
    print(f"{name}: {dict(statuses)}; median {middle * 1000:.0f} ms, "
          f"99th percentile {late * 1000:.0f} ms, slowest {seconds[-1] * 1000:.0f} ms")


async def without_gateway():
    provider, gpu = await start_servers()
    statuses, seconds = await apply_load(provider.address)
    report("without sluicegate", statuses, seconds)
    gpu.die()
    provider.die()
    expect(statuses[429] > 0, "the load is too small to show anything")
    print(f"  the provider refused {statuses[429]} of {statuses.total()}")


async def with_gateway(binary, name, route, on_full, kills_gpu=False):
    provider, gpu = await start_servers()
    peak_begins = next(number for number, at in enumerate(times_of_load()) if at >= PEAK_AT_S)
    kill_at = peak_begins + int(PEAK_PER_S * PEAK_FOR_S * 2 / 3)
    served_before_death = collections.Counter()

    def on_progress(number):
        if kills_gpu and number == kill_at:
            served_before_death.update(gpu.statuses)
            gpu.die()

    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "sluicegate.yaml"
        config.write_text(CONFIG.format(provider=provider.base_url, gpu=gpu.base_url,
                                        places=PLACES, on_full=on_full, route=route,
                                        users=users_text()))
        with daemon.Daemon(binary, config, listeners=2) as gateway:
            statuses, seconds = await apply_load(gateway.address(), on_progress)
            text = await metrics_of(gateway)
            asked = statuses.total()
            access = await asyncio.to_thread(
                gateway.wait_for_entries, lambda entry: entry.get("event") == "access", asked)
    report(name, statuses, seconds)
    shares = collections.Counter(entry.get("upstream") for entry in access)
    again = collections.Counter(entry.get("attempts") for entry in access)
    print(f"  answered by {dict(shares)}; attempts {dict(again)}; "
          f"refused by the provider {provider.statuses[429]}, by the GPU {gpu.statuses[503]}; "
          f"at most {gpu.open_most} of {PLACES} places")
    for metric, labels in (("sluicegate_routed_requests_total", ("upstream", "reason")),
                           ("sluicegate_upstream_queue_total", ("outcome",)),
                           ("sluicegate_upstream_errors_total", ("upstream", "kind"))):
        print(f"  {metric} by {' and '.join(labels)}: {counters(text, metric, labels)}")
    gpu.die()
    provider.die()
    expect(statuses[429] == 0, f"{statuses[429]} clients saw a 429")
    expect(statuses[200] == asked, f"not all were answered: {dict(statuses)}")
    expect(gpu.statuses[503] == 0, "the GPU got more than its places hold")
    expect(gpu.open_most <= PLACES, "the GPU got more than its places hold")
    expect(shares["gpu"] + shares["provider"] == asked, f"shares: {dict(shares)}")
    return shares, provider, gpu, served_before_death


async def main(binary):
    await without_gateway()
    shares, *_ = await with_gateway(binary, "GPU first, provider as fallback", GPU_FIRST, "spill")
    expect(shares["gpu"] > shares["provider"] > 0, "what is reserved is used first")
    shares, *_ = await with_gateway(binary, "provider first, GPU as fallback", PROVIDER_FIRST,
                                    "queue")
    expect(shares["provider"] > shares["gpu"] > 0, "the GPU takes what the provider cannot")
    shares, _, _, before = await with_gateway(
        binary, "GPU first, killed in the peak", GPU_FIRST, "spill", kills_gpu=True)
    expect(before[200] > 0 and shares["provider"] > 0, "the GPU was to die in the middle")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))
