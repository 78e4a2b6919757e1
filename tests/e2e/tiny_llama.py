"""Writes a language model in the format of transformers: a llama with random weights, whose words
are those of our licence, and which takes some milliseconds for a token. Needs torch, tokenizers
and transformers."""

import pathlib

import tokenizers
import torch
import transformers

CONTEXT = 512
TEMPLATE = ("{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n"
            "{% endfor %}assistant:")
_TEXT = pathlib.Path(__file__).resolve().parents[2] / "LICENSE"


def write(folder):
    words = tokenizers.Tokenizer(tokenizers.models.BPE())
    words.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = tokenizers.decoders.ByteLevel()
    words.train([str(_TEXT)], tokenizers.trainers.BpeTrainer(
        vocab_size=1000, special_tokens=["<s>", "</s>"], show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet()))
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token="<s>", eos_token="</s>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(7)
    transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=512, intermediate_size=1024, num_hidden_layers=8,
        num_attention_heads=8, num_key_value_heads=8, max_position_embeddings=CONTEXT,
        bos_token_id=0, eos_token_id=1)).save_pretrained(folder)
