"""`transformers serve`: transformers.py FOLDER. suite: hand, packages: vllm

It never says [DONE], and has its usage in the event of the finish_reason.
"""

import pathlib
import sys

import child_server
import tiny_llama


def main(folder):
    model = pathlib.Path(folder) / "tiny"
    if not (model / "config.json").exists():
        tiny_llama.write(model)
    port = child_server.free_port()
    program = str(pathlib.Path(sys.executable).with_name("transformers"))
    return child_server.run(
        [program, "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu",
         str(model)], port, {"model": str(model), "endless": {}, "busy": None})


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
