"""What the files of servers/ share that start a server as a process: a port, the wait until it
answers, and the line of JSON that run_server.py reads."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

SETTINGS = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "OMP_NUM_THREADS": "1"}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def run(arguments, port, said, settings=None):
    """Runs the server until it ends; `said` is what its line says beside `url`."""
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, stdout=sys.stderr,
        env={**os.environ, **SETTINGS, **(settings or {})})
    while server.poll() is None:
        try:
            urllib.request.urlopen(url + "/health", timeout=5)
            print(json.dumps({"url": url, **said}), flush=True)
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    return server.wait()
