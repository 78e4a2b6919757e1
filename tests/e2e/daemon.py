"""The real binary for an end-to-end test: started, listened to, ended by its process id."""

import json
import os
import pathlib
import queue
import signal
import subprocess
import threading
import time

PATIENCE_S = 30


class Daemon:
    """Runs `sluicegate serve` on a configuration file until the `with` block ends."""

    def __init__(self, binary, config_file, listeners, environment=None, arguments=()):
        self.lines = []
        self._fresh = queue.Queue()
        self._process = subprocess.Popen(
            [binary, "serve", "--config", str(config_file), *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **(environment or {})})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.addresses = {}  # role -> ["127.0.0.1:PORT", ...]
        while sum(len(all_of) for all_of in self.addresses.values()) < listeners:
            try:
                line = self._fresh.get(timeout=PATIENCE_S)
            except queue.Empty:
                line = None
            if line is None:
                self._process.kill()
                raise RuntimeError("the daemon did not start:\n" + "\n".join(self.lines))
            if line.get("event") == "listening":
                self.addresses.setdefault(line["role"], []).append(line["address"])

    def _read(self):
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            try:
                entry = json.loads(line)
            except ValueError:
                entry = {}
            self._fresh.put(entry if isinstance(entry, dict) else {})
        self._fresh.put(None)

    def address(self, role="client"):
        return self.addresses[role][0]

    @property
    def pid(self):
        return self._process.pid

    def send_signal(self, number):
        self._process.send_signal(number)

    def entries(self):
        """The log so far, as far as it is JSON."""
        out = []
        for line in list(self.lines):
            try:
                out.append(json.loads(line))
            except ValueError:
                pass
        return out

    def wait_for_entries(self, predicate, count):
        """The entries for which the predicate holds, once there are `count` (or none came)."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            found = [entry for entry in self.entries() if predicate(entry)]
            if len(found) >= count or time.monotonic() > deadline:
                return found
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = "killed: it did not end"
        self._reader.join(timeout=PATIENCE_S)
        log = "\n".join(self.lines)
        if kind is not None:
            print("log of the daemon:\n" + log)
        elif status != 0 or "Sanitizer" in log or "runtime error:" in log:
            raise RuntimeError(f"the daemon ended with {status}:\n{log}")


def sdk_folder():
    """Where setup.sh put the SDKs."""
    default = pathlib.Path(__file__).resolve().parents[2] / "build/e2e"
    return pathlib.Path(os.environ.get("SLUICEGATE_SDKS", default))


def unavailable(folder):
    """Why setup.sh could not install the SDK of that folder; None when it could."""
    note = folder.with_name(folder.name + ".unavailable")
    if (folder / ".stamp").exists() or not note.exists():
        return None
    return note.read_text().strip()


def node_too_old(pins):
    """Why this Node cannot run the package of that file of node/; None when it can."""
    needed = int(json.loads(pins.read_text())["engines"]["node"].removeprefix(">="))
    running = subprocess.run(["node", "--version"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout.strip()
    if int(running.removeprefix("v").split(".")[0]) >= needed:
        return None
    return f"{pins.stem} needs Node {needed}, this is {running}"
