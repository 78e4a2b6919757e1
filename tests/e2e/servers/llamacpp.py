"""llama.cpp's HTTP server, from the package xllamacpp: llamacpp.py FOLDER. suite: all"""

import json
import pathlib
import sys
import threading

import xllamacpp

import tiny_gguf

SLOTS = 2


def main(folder):
    path = pathlib.Path(folder) / "tiny.gguf"
    if not path.exists():
        # Large enough to take some milliseconds for a token.
        tiny_gguf.write(path, width=512, layers=8)
    settings = xllamacpp.CommonParams()
    settings.model.path = str(path)
    settings.model_alias = ["tiny"]
    settings.port = 0
    settings.n_parallel = SLOTS
    settings.n_ctx = SLOTS * tiny_gguf.CONTEXT
    settings.cpuparams.n_threads = 1
    settings.cpuparams_batch.n_threads = 1
    settings.warmup = False
    settings.endpoint_metrics = True
    server = xllamacpp.Server(settings)
    print(json.dumps({"url": server.listening_address, "model": "tiny",
                      "endless": {"ignore_eos": True},
                      "busy": "llamacpp:requests_processing"}), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
