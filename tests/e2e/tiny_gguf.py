"""Writes a language model for llama.cpp: a llama with random weights, so that it writes nonsense,
but the same nonsense for the same prompt at temperature 0. Needs gguf and numpy."""

import collections
import pathlib
import re

import gguf
import numpy

CONTEXT = 512
TEMPLATE = ("{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n"
            "{% endfor %}assistant:")
# A text that does not change, since the model's words decide what it writes.
_TEXT = (pathlib.Path(__file__).resolve().parents[2] / "LICENSE").read_text()


def _vocabulary(size):
    """Pieces, scores and types: the special ones, each byte, then the words of our licence."""
    pieces = [("<unk>", 0.0, gguf.TokenType.UNKNOWN), ("<s>", 0.0, gguf.TokenType.CONTROL),
              ("</s>", 0.0, gguf.TokenType.CONTROL)]
    pieces += [(f"<0x{byte:02X}>", 0.0, gguf.TokenType.BYTE) for byte in range(256)]
    words = collections.Counter()
    for word in re.findall(r"[a-z]+", _TEXT.lower()):
        words["▁" + word] += 1
        for length in range(1, min(4, len(word)) + 1):
            words[word[:length]] += 1
    common = [word for word, _ in sorted(words.items(), key=lambda item: (-item[1], item[0]))]
    pieces += [(word, -float(rank), gguf.TokenType.NORMAL)
               for rank, word in enumerate(["▁", *common[:size - len(pieces) - 1]])]
    return pieces


def write(path, width=64, layers=2, vocabulary=1000):
    pieces = _vocabulary(vocabulary)
    random = numpy.random.default_rng(7)
    out = gguf.GGUFWriter(str(path), "llama")
    out.add_name("tiny")
    out.add_context_length(CONTEXT)
    out.add_embedding_length(width)
    out.add_block_count(layers)
    out.add_feed_forward_length(width * 2)
    out.add_head_count(4)
    out.add_head_count_kv(4)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_dimension_count(width // 4)
    out.add_file_type(gguf.LlamaFileType.ALL_F32)
    out.add_tokenizer_model("llama")
    out.add_token_list([piece for piece, _, _ in pieces])
    out.add_token_scores([score for _, score, _ in pieces])
    out.add_token_types([kind for _, _, kind in pieces])
    out.add_unk_token_id(0)
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_chat_template(TEMPLATE)

    def add(name, *shape):
        out.add_tensor(name, random.standard_normal(shape).astype(numpy.float32) * 0.3)

    def add_norm(name):
        out.add_tensor(name, numpy.ones(width, dtype=numpy.float32))

    add("token_embd.weight", len(pieces), width)
    for layer in range(layers):
        block = f"blk.{layer}."
        add_norm(block + "attn_norm.weight")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{block}{part}.weight", width, width)
        add_norm(block + "ffn_norm.weight")
        add(block + "ffn_gate.weight", width * 2, width)
        add(block + "ffn_up.weight", width * 2, width)
        add(block + "ffn_down.weight", width, width * 2)
    add_norm("output_norm.weight")
    add("output.weight", len(pieces), width)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
