"""A mixed load on the real binary, with faults and reloads: run_soak.py BINARY SECONDS

Checks that every answer is right, that memory and descriptors stay flat, that the counters add up,
that a limit is exact, and that the process ends cleanly. Ends with 1 if anything was violated.
"""

import asyncio
import hashlib
import json
import os
import pathlib
import signal
import sys
import tempfile
import time

import clients
import upstream

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import daemon  # noqa: E402

CLIENTS = 16
RPM, WINDOW_S = 40, 2
RELOAD_EVERY_S = 1.5
PROGRESS_EVERY_S = 10
KEYS = [f"sk-sg-soak-{user}-00000000000000000000000000" for user in range(4)]
COUNTED_KEY = "sk-sg-soak-counted-000000000000000000000000"

CONFIG = """
server:
  listen: [{{address: 127.0.0.1:0}}]
  threads: 2
  timeouts: {{header: 10s, body: 30s, idle: 75s, drain: 5s}}
admin: {{listen: 127.0.0.1:0, user_metrics: true}}
limiter: {{window: {window}s, state_file: "{folder}/limiter.state"}}
log: {{level: info, access: false}}
retries: {{budget: 100%, minimum: 1000, repeat_timeouts: true}}
upstreams:
  good: {{kind: openai, base_url: "{good}", api_key: sk-good-upstream-key}}
  faulty:
    kind: openai
    base_url: "{faulty}"
    api_key: sk-faulty-upstream-key
    timeouts: {{first_byte: 1s}}
    breaker: {{min_requests: 100000}}  # an open one would keep the faults away
  echo: {{kind: echo}}
models:
  good: {{route: [{{upstream: good, weight: {weight}}}]}}
  shaky: {{route: [{{upstream: faulty}}], fallback: [{{upstream: good}}]}}
  bad: {{route: [{{upstream: faulty}}]}}
  echo: {{route: [{{upstream: echo}}]}}
  counted: {{limits: {{rpm: {rpm}}}, route: [{{upstream: good}}]}}
{extra}
users:
{users}"""


def user_text(name, key):
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f'  {name}:\n    keys: [{{id: {name}, sha256: "{digest}"}}]\n'


def config_text(folder, good, faulty, version):
    users = "".join(user_text(f"user{number}", key) for number, key in enumerate(KEYS))
    users += user_text("counted", COUNTED_KEY)
    users += "".join(user_text(f"extra{number}", f"sk-sg-extra-{number}-0000000000000000000000")
                     for number in range(version % 5))
    extra = "".join(f"  extra{number}: {{limits: {{rpm: {100 + version}}}, "
                    "route: [{upstream: good}]}\n" for number in range(version % 3))
    return CONFIG.format(window=WINDOW_S, folder=folder, good=good, faulty=faulty, rpm=RPM,
                         weight=1 + version % 7, extra=extra, users=users)


class Soak:
    def __init__(self, gateway, folder, seconds):
        self.gateway, self.folder, self.seconds = gateway, folder, seconds
        self.book = clients.Book()
        self.began = time.monotonic()
        self.resident = []  # (seconds, bytes)
        self.descriptors_max = 0
        self.reloads = 0

    def passed(self):
        return time.monotonic() - self.began

    def resident_bytes(self):
        pages = int(pathlib.Path(f"/proc/{self.gateway.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.gateway.pid}/fd"))

    async def admin(self, target):
        connection = clients.Connection(self.gateway.address("admin"))
        await connection.send(
            f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = await connection.read_answer()
        connection.close()
        return answer

    async def metrics(self):
        """The sum of the samples of each metric, and of those with each single label."""
        out = {}
        for line in (await self.admin("/metrics")).body.decode().splitlines():
            if line.startswith("#"):
                continue
            name, value = line.rsplit(" ", 1)
            name, _, labels = name.partition("{")
            for key in [name] + [f"{name} {label}" for label in labels.rstrip("}").split(",")]:
                out[key] = out.get(key, 0.0) + float(value)
        return out

    async def watch(self):
        """Samples memory and descriptors, asks the admin port, prints progress."""
        next_line = PROGRESS_EVERY_S
        while True:
            await asyncio.sleep(0.5)
            self.resident.append((self.passed(), self.resident_bytes()))
            self.descriptors_max = max(self.descriptors_max, self.descriptors())
            for target in ("/livez", "/status", "/metrics"):
                answer = await self.admin(target)
                if answer.status != 200:
                    self.book.wrong(f"{target}: {answer.status} {answer.body[:200]!r}")
            if self.passed() >= next_line:
                next_line += PROGRESS_EVERY_S
                print(f"{self.passed():6.0f} s  {self.book.answered} answered, {self.book.right} "
                      f"right, {self.book.uncertain} left, {self.reloads} reloads, "
                      f"{self.resident[-1][1] / 2**20:.1f} MiB, {self.descriptors()} descriptors, "
                      f"{len(self.book.violations)} violations", flush=True)

    async def reload(self, config_file, urls):
        while True:
            await asyncio.sleep(RELOAD_EVERY_S)
            self.reloads += 1
            is_bad = self.reloads % 7 == 0
            text = config_text(self.folder, *urls, self.reloads)
            new = config_file.with_suffix(".new")
            new.write_text(text + ("  nonsense: [\n" if is_bad else ""))
            new.replace(config_file)
            self.gateway.send_signal(signal.SIGHUP)

    async def load(self, config_file, urls):
        address = self.gateway.address()
        all_clients = [clients.Client(self.book, address, KEYS, seed) for seed in range(CLIENTS)]
        counted = clients.Counted(self.book, address, COUNTED_KEY, RPM, WINDOW_S)
        tasks = [asyncio.create_task(client.run()) for client in all_clients + [counted]]
        aside = [asyncio.create_task(self.watch()),
                 asyncio.create_task(self.reload(config_file, urls))]
        await asyncio.wait(tasks + aside, timeout=self.seconds,
                           return_when=asyncio.FIRST_EXCEPTION)
        for client in all_clients + [counted]:
            client.is_done = True
        await asyncio.gather(*tasks)
        for task in aside:
            task.cancel()
        for result in await asyncio.gather(*aside, return_exceptions=True):
            if not isinstance(result, asyncio.CancelledError):
                raise result
        counted.check()
        return counted

    def check_memory(self):
        """After the warm-up, a quarter of the time, memory stays where it is."""
        warm = sorted(size for at, size in self.resident
                      if self.seconds * 0.25 <= at < self.seconds * 0.5)
        end = sorted(size for at, size in self.resident if at >= self.seconds * 0.75)
        if not warm or not end:
            return "not measured"
        before, after = warm[len(warm) // 2], end[len(end) // 2]
        # In a short run the pages of the limiter's journal are still being touched: 32 MiB.
        allowed = before + (16 if self.seconds >= 300 else 64) * 2**20
        if after > allowed:
            self.book.wrong(f"memory grew from {before} to {after} bytes")
        return (f"{before / 2**20:.1f} MiB after the warm-up, {after / 2**20:.1f} MiB at the end "
                "(medians)")

    async def check_rest(self, descriptors_before):
        """What is in flight ends, and what was opened is closed, when the load is over."""
        deadline = time.monotonic() + 20
        while True:
            values = await self.metrics()
            # Both ends of a connection to `echo` are in the process.
            open_now = values.get("sluicegate_upstream_connections", 0) + values.get(
                'sluicegate_upstream_connections upstream="echo"', 0)
            left = {"requests in flight": values["sluicegate_requests_in_flight"],
                    "client connections": values["sluicegate_client_connections"],
                    "buffered bytes": values["sluicegate_memory_buffered_bytes"],
                    # The connection of this very look is one.
                    "descriptors": self.descriptors() - open_now - descriptors_before - 1}
            remaining = {name: value for name, value in left.items() if value > 0}
            if not remaining:
                break
            if time.monotonic() > deadline:
                self.book.wrong(f"left over when the load had ended: {remaining}")
                break
            await asyncio.sleep(0.2)
        for name in ("internal_errors_total", "log_lines_dropped_total",
                     "metrics_series_refused_total", "limiter_journal_losses_total",
                     "worker_stalled_seconds"):
            if values.get(f"sluicegate_{name}", 0) != 0:
                self.book.wrong(f"sluicegate_{name} is {values[f'sluicegate_{name}']}")
        return values

    def check_counters(self, values, counted):
        total = values["sluicegate_requests_total"]
        if not self.book.answered <= total <= self.book.answered + self.book.uncertain:
            self.book.wrong(f"{total:.0f} requests counted, {self.book.answered} were answered and "
                            f"{self.book.uncertain} may have been")
        ok = values.get('sluicegate_requests_total outcome="ok"', 0)
        if ok < self.book.right:
            self.book.wrong(f"{ok:.0f} counted as ok, {self.book.right} answers were right")
        admitted = values.get('sluicegate_user_requests_total user="counted"', 0)
        if admitted != len(counted.admitted) + counted.refused:
            self.book.wrong(f"{admitted:.0f} requests of one user counted, "
                            f"{len(counted.admitted) + counted.refused} were answered")
        reloads = values["sluicegate_config_reloads_total"]
        if not 0 < reloads <= self.reloads:
            self.book.wrong(f"{reloads:.0f} reloads counted, {self.reloads} were asked for")

    def check_log(self):
        for entry in self.gateway.entries():
            if entry.get("event") in ("task_failed", "process_failed", "worker_stalled",
                                      "limiter_journal", "forced_end"):
                self.book.wrong(f"log: {json.dumps(entry)[:300]}")


async def soak(binary, seconds):
    good, faulty = upstream.Upstream(False), upstream.Upstream(True)
    await good.start()
    await faulty.start()
    urls = (good.base_url, faulty.base_url)
    with tempfile.TemporaryDirectory() as folder:
        config_file = pathlib.Path(folder) / "sluicegate.yaml"
        config_file.write_text(config_text(folder, *urls, 0))
        # Without the flag only root may count its descriptors.
        arguments = [] if os.geteuid() == 0 else ["--core-dumps"]
        # Ends with an exception if the process does not end with 0.
        with daemon.Daemon(binary, config_file, listeners=2, arguments=arguments) as gateway:
            run = Soak(gateway, folder, seconds)
            await run.metrics()
            descriptors = run.descriptors()
            counted = await run.load(config_file, urls)
            values = await run.check_rest(descriptors)
            run.check_counters(values, counted)
            memory = run.check_memory()
            run.check_log()
            book = run.book
            book.violations += good.damaged + faulty.damaged
    print(f"\n{book.answered} requests answered in {seconds:.0f} s, {book.right} answers right; "
          f"{book.uncertain} clients left; {run.reloads} reloads\n"
          f"upstreams: {good.requests} and {faulty.requests} requests\n"
          f"limit: {len(counted.admitted)} admitted, {counted.refused} refused\n"
          f"memory: {memory}; descriptors: {descriptors} before, at most {run.descriptors_max}")
    print("outcomes: " + ", ".join(f"{name} {count}" for name, count in
                                   sorted(book.outcomes.items())))
    for text in book.violations[:20]:
        print(f"VIOLATION {text}")
    print(f"{len(book.violations)} violations" if book.violations else "no violation")
    return 1 if book.violations else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(asyncio.run(soak(sys.argv[1], float(sys.argv[2]))))
