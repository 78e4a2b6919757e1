"""Shows a page of clients/ to headless Chromium: browser.py CHROMIUM PAGE SDK_FOLDER

The page comes from a server of its own, so that the gateway is another origin for it. It reads
/settings.js, may import OpenAI's SDK from /openai/, and posts its report line by line: those of a
client, then `done`, or `failed REASON`. The socket to listen on is SLUICEGATE_PAGE_SOCKET.
"""

import http.server
import json
import os
import pathlib
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading

PATIENCE_S = 120
# Without network, and without the sandbox that root cannot have.
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--enable-logging=stderr"]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _send(self, content_type, data):
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path == "/settings.js":
            values = {"url": os.environ["SLUICEGATE_URL"], "key": os.environ["SLUICEGATE_KEY"]}
            text = "".join(f"export const {name} = {json.dumps(value)};\n"
                           for name, value in values.items())
            self._send("text/javascript", text.encode())
        elif self.path.startswith("/openai/"):
            path = (self.server.sdk / self.path.removeprefix("/openai/")).resolve()
            if path.is_relative_to(self.server.sdk) and path.is_file():
                self._send("text/javascript", path.read_bytes())
            else:
                self.send_error(404)
        else:
            self._send("text/html; charset=utf-8", self.server.page.read_bytes())

    def do_POST(self):
        line = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._send("text/plain", b"")
        self.server.report.put(line)


def main(chromium, page, sdk):
    listener = socket.socket(fileno=int(os.environ["SLUICEGATE_PAGE_SOCKET"]))
    server = http.server.ThreadingHTTPServer(listener.getsockname(), _Handler, False)
    server.socket.close()
    server.socket = listener
    server.daemon_threads = True
    server.page = pathlib.Path(page)
    server.sdk = (pathlib.Path(sdk) / "node_modules/openai").resolve()
    server.report = queue.Queue()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, \
            tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [chromium, *FLAGS, f"--user-data-dir={profile}",
             f"http://localhost:{listener.getsockname()[1]}/"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            line = ""
            while line != "done" and not line.startswith("failed"):
                line = server.report.get(timeout=PATIENCE_S)
                print(line, flush=True)
        except queue.Empty:
            line = f"failed: no report for {PATIENCE_S} s"
        finally:
            # Debian's program is a script that starts the browser: all of its session ends.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if line != "done":
            log.seek(0)
            print(log.read().decode(errors="replace"))
            return line
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
