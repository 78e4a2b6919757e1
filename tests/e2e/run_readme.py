"""Runs the examples of README.md as a reader would paste them: run_readme.py BINARY

An example is a fenced block whose first line carries `example=NAME` after the language (sh, python
or js). They run against the real binary on config/quickstart.yaml, whose fixed ports are replaced
by free ones in the file and in the examples alike.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import daemon

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w+) example=([a-z][a-z0-9-]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = re.compile(r"\b((?:\d{1,3}\.){3}\d{1,3}):(\d+)\b")


class Skipped(Exception):
    """What an example needs could not be installed here, and setup.sh was not told to insist."""


def newest(kind):
    """The folder of the newest SDK that setup.sh could install."""
    folders = [folder for folder in daemon.sdk_folder().glob(f"{kind}-[0-9]*")
               if (folder / ".stamp").exists()]
    if not folders and list(daemon.sdk_folder().glob(f"{kind}-[0-9]*.unavailable")):
        raise Skipped(f"no {kind} SDK could be installed")
    if not folders:
        sys.exit(f"no {kind} SDK in {daemon.sdk_folder()}: run tests/e2e/setup.sh")
    return max(folders, key=lambda folder: [int(n) for n in re.findall(r"\d+", folder.name)])


def command_for(language, text, folder):
    if language in ("sh", "bash"):
        return ["bash", "-euo", "pipefail", "-c", text]
    if language == "python":
        return [str(newest("python") / "bin/python"), "-c", text]
    if language == "js":
        # A bare import is resolved from the script's own folder upwards.
        (folder / "node_modules").symlink_to(newest("node") / "node_modules")
        script = folder / "example.mjs"
        script.write_text(text)
        return ["node", str(script)]
    sys.exit(f"an example in {language}: nothing runs that")


def with_free_ports(config):
    """The configuration with port 0 everywhere, and the ports it named, in order."""
    ports = []

    def replace(match):
        ports.append(match.group(2))
        return "127.0.0.1:0"

    out = []
    for line in config.splitlines():
        is_listener = re.match(r"\s*-?\s*(address|listen):", line)
        out.append(ADDRESS.sub(replace, line) if is_listener else line)
    return "\n".join(out) + "\n", ports


def main(binary):
    examples = FENCE.findall((ROOT / "README.md").read_text())
    if not examples:
        sys.exit("README.md has no example")
    failed = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shutil.copytree(ROOT / "config", folder / "config")
        config = folder / "config/quickstart.yaml"
        text, ports = with_free_ports(config.read_text())
        config.write_text(text)
        with daemon.Daemon(binary, config, listeners=len(ports)) as gateway:
            addresses = [*gateway.addresses.get("client", []),
                         *gateway.addresses.get("client_tls", []),
                         *gateway.addresses.get("admin", [])]
            for language, example, code in examples:
                for port, address in zip(ports, addresses):
                    code = re.sub(rf"(localhost|127\.0\.0\.1):{port}\b", address, code)
                code = code.replace("build/release/sluicegate", binary)
                place = folder / example
                place.mkdir()
                try:
                    command = command_for(language, code, place)
                except Skipped as reason:
                    print(f"skipped {example}: {reason}")
                    continue
                result = subprocess.run(
                    command, text=True, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, timeout=60, cwd=ROOT, env=dict(os.environ))
                is_good = result.returncode == 0 and result.stdout.strip() and \
                    '"error"' not in result.stdout
                print(f"{'ok' if is_good else 'FAILED'} {example}\n{result.stdout}")
                if not is_good:
                    failed.append(example)
    return f"examples that failed: {failed}" if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
