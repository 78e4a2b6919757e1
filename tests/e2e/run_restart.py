"""A restart under socket activation refuses no connection: run_restart.py BINARY

The socket is held by a parent, as systemd holds it, and handed to one daemon after another. Clients
ask all the time, each request on a connection of its own. Every one of them is answered.
"""

import collections
import hashlib
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

RESTARTS = 5
CLIENTS = 4
PATIENCE_S = 30
KEY = "sk-sg-restart-00000000000000000000000000000000"
BODY = b'{"model": "echo", "messages": [{"role": "user", "content": "still there?"}]}'
FIRST_DESCRIPTOR = 3  # sd_listen_fds(3)

CONFIG = """
server:
  listen: [{{address: "{address}"}}]
  timeouts: {{header: 10s, body: 30s, idle: 75s, drain: 5s}}
upstreams: {{echo: {{kind: echo}}}}
models: {{echo: {{route: [{{upstream: echo}}]}}}}
users: {{restart: {{keys: [{{id: k, sha256: {hash}}}]}}}}
"""


def start(binary, config, listening):
    """The daemon, with `listening` as its descriptor 3."""
    def hand_over():
        os.dup2(listening.fileno(), FIRST_DESCRIPTOR)  # without FD_CLOEXEC
    # The shell knows the PID, which the daemon compares with LISTEN_PID.
    return subprocess.Popen(
        ["sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh", binary, "serve", "--config",
         config], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, preexec_fn=hand_over, pass_fds=(FIRST_DESCRIPTOR,))


class Load:
    """Clients that connect anew for each request, until stop()."""

    def __init__(self, port):
        self.port = port
        self.answers = collections.Counter()
        self._lock = threading.Lock()
        self._is_stopping = False
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _run(self):
        while not self._is_stopping:
            answer = self._ask()
            with self._lock:
                self.answers[answer] += 1

    def _ask(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request("POST", "/v1/chat/completions", BODY,
                               {"Authorization": f"Bearer {KEY}",
                                "Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        finally:
            connection.close()

    def wait_for(self, count):
        deadline = time.monotonic() + PATIENCE_S
        while self.answers.total() < count and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self):
        self._is_stopping = True
        for thread in self._threads:
            thread.join()


def main():
    binary = sys.argv[1]
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening, \
            tempfile.TemporaryDirectory() as folder:
        port = listening.getsockname()[1]
        config = pathlib.Path(folder) / "sluicegate.yaml"
        config.write_text(CONFIG.format(address=f"127.0.0.1:{port}",
                                        hash=hashlib.sha256(KEY.encode()).hexdigest()))
        config.chmod(0o600)
        process = start(binary, str(config), listening)
        load = Load(port)
        statuses, logs = [], []
        for number in range(RESTARTS):
            load.wait_for(load.answers.total() + 200)
            process.send_signal(signal.SIGTERM)
            logs.append(process.communicate(timeout=PATIENCE_S)[0])
            statuses.append(process.returncode)
            process = start(binary, str(config), listening)
            print(f"restart {number + 1}: {dict(load.answers)}", flush=True)
        load.wait_for(load.answers.total() + 200)
        load.stop()
        process.send_signal(signal.SIGTERM)
        logs.append(process.communicate(timeout=PATIENCE_S)[0])
        statuses.append(process.returncode)
    print(f"{load.answers.total()} requests in {RESTARTS} restarts: {dict(load.answers)}")
    if set(load.answers) != {200} or set(statuses) != {0}:
        print("\n".join(logs))
        raise SystemExit(f"not every request was answered with 200, or {statuses} are not all 0")


if __name__ == "__main__":
    main()
