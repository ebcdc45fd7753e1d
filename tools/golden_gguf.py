"""Writes F32 GGUF files of the golden models that llama.cpp supports, in the layout of its converter.

Reads tests/golden/models/<name>/ and writes tests/golden/gguf/<name>.gguf, with a few quantised files in a folder below.
tokens.json has texts and their ids from Hugging Face tokenizers, for the vocabularies of the files.

    python tools/golden_gguf.py

Requires gguf, numpy, safetensors and tokenizers.
"""

import json
import pathlib
import random

import gguf
import numpy
from safetensors.numpy import load_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
VOCAB = 97
# Golden model, llama.cpp's name of the architecture, type of vocabulary.
FILES = [
    ("llama", "llama", "llama"),
    ("llama-llama3", "llama", "gpt2"),
    ("llama-linear", "llama", "llama"),
    ("llama-wide", "llama", "gpt2"),
    ("mixtral", "llama", "llama"),
    ("qwen2", "qwen2", "gpt2"),
    ("qwen3", "qwen3", "gpt2"),
    ("gemma", "gemma", "llama"),
    ("gemma2", "gemma2", "llama"),
    ("gemma3", "gemma3", "llama"),
    ("phi3-longrope", "phi3", "llama"),
    ("phi3-partial", "phi3", "gpt2"),
    ("olmo2", "olmo2", "gpt2"),
    ("granite", "granite", "gpt2"),
    ("gpt2", "gpt2", "gpt2"),
    ("gpt-neox", "gptneox", "gpt2"),
    ("gpt-neox-sequential", "gptneox", "gpt2"),
    ("llama-biased", "llama", "gpt2"),
    ("llama-yarn", "llama", "gpt2"),
    ("bloom", "bloom", "gpt2"),
    ("falcon", "falcon", "gpt2"),
    ("falcon-40b", "falcon", "gpt2"),
    ("falcon-11b", "falcon", "gpt2"),
    ("phi", "phi2", "gpt2"),
    ("stablelm", "stablelm", "gpt2"),
    ("stablelm-parallel", "stablelm", "gpt2"),
    ("olmo", "olmo", "gpt2"),
    ("olmo3", "olmo2", "gpt2"),
    ("olmoe", "olmoe", "gpt2"),
    ("smollm3", "smollm3", "gpt2"),
    ("qwen2-moe", "qwen2moe", "gpt2"),
    ("qwen3-moe", "qwen3moe", "gpt2"),
    ("ministral3", "mistral3", "gpt2"),
    ("cohere", "command-r", "gpt2"),
    ("cohere-normed", "command-r", "gpt2"),
    ("cohere2", "cohere2", "gpt2"),
    ("glm4", "glm4", "gpt2"),
    ("gpt-oss", "gpt-oss", "gpt2"),
]
PRE = {"qwen2": "qwen2", "qwen3": "qwen2", "olmo2": "dbrx", "granite": "refact", "gpt2": "gpt-2", "gptneox": "olmo"}
LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.qkv_proj": "attn_qkv",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.gate_up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "block_sparse_moe.gate": "ffn_gate_inp",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
    "attention.query_key_value": "attn_qkv",
    "attention.dense": "attn_output",
    "mlp.dense_h_to_4h": "ffn_up",
    "mlp.dense_4h_to_h": "ffn_down",
    "self_attention.query_key_value": "attn_qkv",
    "self_attention.dense": "attn_output",
    "self_attn.dense": "attn_output",
    "mlp.fc1": "ffn_up",
    "mlp.fc2": "ffn_down",
    "ln_attn": "attn_norm_2",
    "ln_mlp": "attn_norm",
    "mlp.gate": "ffn_gate_inp",
    "mlp.router": "ffn_gate_inp",
    "mlp.shared_expert.gate_proj": "ffn_gate_shexp",
    "mlp.shared_expert.up_proj": "ffn_up_shexp",
    "mlp.shared_expert.down_proj": "ffn_down_shexp",
    "mlp.shared_expert_gate": "ffn_gate_inp_shexp",
    "self_attn": "attn_sinks",
    "post_self_attn_layernorm": "post_attention_norm",
    "post_mlp_layernorm": "post_ffw_norm",
}
# Architectures whose converter interleaves the two halves of each head of queries and keys.
INTERLEAVED = ("llama", "granite", "mistral3", "smollm3", "olmo")
OUTER_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "transformer.wte": "token_embd",
    "transformer.wpe": "position_embd",
    "transformer.ln_f": "output_norm",
    "gpt_neox.embed_in": "token_embd",
    "gpt_neox.final_layer_norm": "output_norm",
    "embed_out": "output",
    "transformer.word_embeddings": "token_embd",
    "transformer.word_embeddings_layernorm": "token_embd_norm",
    "model.final_layernorm": "output_norm",
}


def side_by_side(tensor, heads):
    """Interleaves the halves of each head, for a rotary embedding that rotates neighbouring rows."""
    shape = tensor.shape
    return tensor.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def tensors(name, arch, config):
    """The file's tensors by name."""
    made, experts, norms = {}, {}, {}
    for full, tensor in load_file(GOLDEN / "models" / name / "model.safetensors").items():
        stem, part = full.rsplit(".", 1)
        if stem in OUTER_NAMES:
            new = OUTER_NAMES[stem]
        else:
            at = stem.split(".")
            place = next(i for i, piece in enumerate(at) if piece.isdigit())
            layer, inner = at[place], ".".join(at[place + 1 :])
            if inner == "mlp.experts":  # of gpt-oss: all experts in one tensor
                made |= packed_experts(layer, part, tensor)
                continue
            if ".norms." in inner:
                new = {"q_layernorm": "attn_q_norm", "k_layernorm": "attn_k_norm"}[inner.split(".")[1]]
                norms.setdefault(f"blk.{layer}.{new}.weight", {})[int(at[-1])] = tensor
                continue
            if ".experts." in stem:
                *_, expert, kind = at
                names = {"w1": "gate", "w2": "down", "w3": "up"} | {f"{n}_proj": n for n in ("gate", "up", "down")}
                kind = f"ffn_{names[kind]}_exps"
                experts.setdefault(f"blk.{layer}.{kind}.weight", {})[int(expert)] = tensor
                continue
            new = LAYER_NAMES[inner]
            if arch in ("gemma2", "gemma3", "olmo2") and inner == "post_attention_layernorm":
                new = "post_attention_norm"
            if arch == "gpt-oss" and inner == "post_attention_layernorm":
                new = "post_attention_norm"
            if arch == "glm4" and inner == "post_attention_layernorm":
                new = "ffn_norm"
            if arch in INTERLEAVED and inner == "self_attn.q_proj":
                tensor = side_by_side(tensor, config["num_attention_heads"])
            if arch in INTERLEAVED and inner == "self_attn.k_proj":
                tensor = side_by_side(tensor, config["num_key_value_heads"])
            if inner == "mlp.shared_expert_gate":
                tensor = tensor[0]
            if arch == "gpt-oss" and part == "sinks":
                part = "weight"
            if arch == "gpt2" and part == "weight" and tensor.ndim == 2:
                tensor = tensor.T
            if inner.endswith(".query_key_value"):
                tensor = queries_first(tensor, *heads_of(arch, config))
            new = f"blk.{layer}.{new}"
        if arch.startswith("gemma") and new.endswith("norm"):
            tensor = tensor + 1
        made[f"{new}.{part}"] = numpy.ascontiguousarray(tensor)
    for new, parts in (experts | norms).items():
        made[new] = numpy.stack([parts[i] for i in range(len(parts))])
    return made


def heads_of(arch, config):
    """Numbers of query heads and key/value heads."""
    heads = config.get("num_attention_heads", config.get("n_head"))
    if arch == "falcon":
        newer = config["new_decoder_architecture"]
        return heads, config["num_kv_heads"] if newer else 1
    return heads, config.get("num_key_value_heads", heads)


def queries_first(tensor, heads, kv_heads):
    """Queries of all heads, then keys, then values, from groups of a key/value head's queries, its key and its value."""
    rest = tensor.shape[1:]
    groups = tensor.reshape(kv_heads, heads // kv_heads + 2, -1, *rest)
    parts = groups[:, :-2], groups[:, -2], groups[:, -1]
    return numpy.concatenate([part.reshape(-1, *rest) for part in parts])


def packed_experts(layer, part, tensor):
    """The tensors of one layer's experts in gpt-oss: gate and up, which alternate, apart; maps as [out, in]."""
    at, kind = f"blk.{layer}", "bias" if part.endswith("_bias") else "weight"
    if kind == "weight":
        tensor = tensor.swapaxes(1, 2)
    if part.startswith("down"):
        made = {f"{at}.ffn_down_exps.{kind}": tensor}
    else:
        made = {f"{at}.ffn_gate_exps.{kind}": tensor[:, ::2], f"{at}.ffn_up_exps.{kind}": tensor[:, 1::2]}
    return {name: numpy.ascontiguousarray(tensor) for name, tensor in made.items()}


def metadata(writer, arch, config):
    """Writes the metadata keys of the architecture."""
    get = config.get
    hidden = get("hidden_size", get("n_embd"))
    heads, kv_heads = heads_of(arch, config)
    head_dim = get("head_dim") or hidden // heads
    writer.add_context_length(get("max_position_embeddings", get("n_positions", 64)))
    writer.add_embedding_length(hidden)
    writer.add_block_count(get("num_hidden_layers", get("n_layer")))
    writer.add_feed_forward_length(get("intermediate_size") or get("n_inner") or get("ffn_hidden_size") or 4 * hidden)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_vocab_size(VOCAB)
    if get("head_dim"):
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
    if get("layer_norm_epsilon") or get("layer_norm_eps") or arch == "olmo":
        writer.add_layer_norm_eps(get("layer_norm_epsilon", get("layer_norm_eps", 1e-5)))
    else:
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    if arch == "gptneox":
        writer.add_parallel_residual(config["use_parallel_residual"])
    if arch == "phi3":
        writer.add_sliding_window(get("sliding_window") or 0)  # llama.cpp's converter writes 0 where there is none
    if arch in ("gemma2", "gemma3", "olmo2", "cohere2", "gpt-oss") and get("sliding_window"):
        writer.add_sliding_window(config["sliding_window"])
    if arch == "olmo2" and get("sliding_window"):
        writer.add_sliding_window_pattern([kind == "sliding_attention" for kind in config["layer_types"]])
    if arch == "stablelm":
        writer.add_parallel_residual(config["use_parallel_residual"])
    if get("clip_qkv"):
        writer.add_clamp_kqv(config["clip_qkv"])
    if arch in ("command-r", "cohere2"):
        writer.add_logit_scale(config["logit_scale"])
    if get("attn_logit_softcapping"):
        writer.add_attn_logit_softcapping(config["attn_logit_softcapping"])
    if arch == "granite":
        writer.add_attention_scale(config["attention_multiplier"])
        writer.add_embedding_scale(config["embedding_multiplier"])
        writer.add_residual_scale(config["residual_multiplier"])
        writer.add_logit_scale(config["logits_scaling"])
    if get("num_local_experts") or get("num_experts"):
        writer.add_expert_count(get("num_local_experts") or get("num_experts"))
        writer.add_expert_used_count(config["num_experts_per_tok"])
    if get("moe_intermediate_size"):
        writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
    if get("shared_expert_intermediate_size"):
        writer.add_expert_shared_feed_forward_length(config["shared_expert_intermediate_size"])
    rope = get("rope_parameters")
    if rope is not None:
        rotary(writer, rope.get("full_attention", rope), config, head_dim)


def rotary(writer, rope, config, head_dim):
    rotated = int(head_dim * rope.get("partial_rotary_factor", 1.0))
    theta = rope["rope_theta"]
    writer.add_rope_freq_base(theta)
    writer.add_rope_dimension_count(rotated)
    if rope["rope_type"] == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        if rope.get("mscale_all_dim"):
            writer.add_rope_scaling_yarn_log_mul(rope["mscale_all_dim"])
        if rope.get("llama_4_scaling_beta"):
            writer.add_attn_temperature_scale(rope["llama_4_scaling_beta"])
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "longrope":
        original = rope["original_max_position_embeddings"]
        scale = config["max_position_embeddings"] / original
        writer.add_rope_scaling_orig_ctx_len(original)
        writer.add_rope_scaling_attn_factors(float((1 + numpy.log(scale) / numpy.log(original)) ** 0.5))
        for length in ("long", "short"):
            writer.add_tensor(f"rope_factors_{length}.weight", numpy.float32(rope[f"{length}_factor"]))
    if rope["rope_type"] == "llama3":
        original, factors = rope["original_max_position_embeddings"], []
        low, high = original / rope["low_freq_factor"], original / rope["high_freq_factor"]
        for frequency in 1 / theta ** (numpy.arange(0, rotated, 2) / rotated):
            wave = 2 * numpy.pi / frequency
            if wave < high:
                factors.append(1.0)
            elif wave > low:
                factors.append(rope["factor"])
            else:
                smooth = (original / wave - rope["low_freq_factor"]) / (
                    rope["high_freq_factor"] - rope["low_freq_factor"]
                )
                factors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
        writer.add_tensor("rope_freqs.weight", numpy.float32(factors))


CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
SPACES = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPLITS = {
    "gpt-2": [],
    "olmo": [],
    "refact": ["digits"],
    "qwen2": [f"{CONTRACTIONS}|{WORDS}|\\p{{N}}|{SPACES}"],
    "dbrx": [f"{CONTRACTIONS}|{WORDS}|\\p{{N}}{{1,3}}|{SPACES}"],
    "llama-bpe": [f"{CONTRACTIONS}|{WORDS}|\\p{{N}}{{1,3}}|{SPACES}"],
}
CHARACTERS = "Ġ" + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:!?'-Ċ"
MERGES = "Ġ t|t h|Ġt h|Ġth e|i n|e r|a n|Ġ a|o n|r e|1 2|12 3|an d|' s|Ġ Ġ|. .|o o|l l|Ġ 1|s t|e n"


def byte_level(writer, arch):
    """A small GPT-2 vocabulary: writes the file's keys, and returns the tokenizer that transformers would have."""
    pre = PRE.get(arch, "llama-bpe")
    merges = MERGES.split("|")
    tokens = ["<s>", *CHARACTERS, *(merge.replace(" ", "") for merge in merges)]
    tokens += [f"<extra{i}>" for i in range(VOCAB - len(tokens))]
    special = [token.startswith("<") for token in tokens]
    assert len(tokens) == len(set(tokens)) == VOCAB
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3 if control else 1 for control in special])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    start = pre == "llama-bpe"
    if pre != "llama-bpe":
        writer.add_add_bos_token(False)
    pairs = [tuple(merge.split(" ")) for merge in merges]
    vocab = {token: index for index, token in enumerate(tokens)}
    made = Tokenizer(models.BPE(vocab, pairs, ignore_merges=pre == "llama-bpe"))
    if pre in ("olmo", "qwen2"):
        made.normalizer = normalizers.NFC()
    steps = []
    for pattern in SPLITS[pre]:
        if pattern == "digits":
            steps.append(pre_tokenizers.Digits(individual_digits=True))
        else:
            from tokenizers import Regex

            steps.append(pre_tokenizers.Split(Regex(pattern), "isolated"))
    plain = pre in ("gpt-2", "olmo", "refact")
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [*steps, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=plain)]
    )
    made.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in tokens if t.startswith("<")])
    if start:
        made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return made


def sentence_pieces(writer, arch):
    """A small SentencePiece vocabulary, without bytes for unknown letters."""
    letters = "▁abcdefghijklmnopqrstuvwxyz0123456789.,:!?'-TI"
    pieces = ["▁t", "th", "▁th", "▁the", "in", "er", "an", "▁a", "on", "re", "and", "▁and", "oo", "ll", "st", "en"]
    pieces += ["▁▁", "hi", "▁hi", "is", "▁is", "▁th", "this", "▁this"]
    pieces = list(dict.fromkeys(pieces))
    tokens = ["<unk>", "<s>", "</s>", *pieces, *letters, "<turn>"]
    kinds = [2, 3, 3] + [1] * (len(pieces) + len(letters)) + [4]
    while len(tokens) < VOCAB:
        tokens.append(f"<unused{len(tokens)}>")
        kinds.append(5)
    assert len(tokens) == len(set(tokens)) == VOCAB, len(tokens)
    order = random.Random(7).sample(range(len(pieces)), len(pieces))
    scores = [0.0] * 3 + [-float(rank) for rank in order] + [-100.0 - i for i in range(len(letters))]
    scores += [-1000.0] * (VOCAB - len(scores))
    prefix = not arch.startswith("gemma")
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(prefix)
    # As transformers converts SentencePiece models: every split of a piece into two, best-scored piece first.
    vocab = {token: index for index, token in enumerate(tokens)}
    merges = []
    for token, index in vocab.items():
        cuts = [(token[:i], token[i:]) for i in range(1, len(token))]
        cuts = [cut for cut in cuts if cut[0] in vocab and cut[1] in vocab]
        merges += [(scores[index], cut) for cut in sorted(cuts, key=lambda cut: (vocab[cut[0]], vocab[cut[1]]))]
    merges = [cut for _, cut in sorted(merges, key=lambda merge: merge[0], reverse=True)]
    made = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=False))
    steps = [normalizers.Prepend("▁")] if prefix else []
    made.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    made.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in tokens[:3]])
    made.add_tokens([AddedToken("<turn>", normalized=False)])
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return made


TEXTS = [
    "the end",
    "This is the 12345 and  the other: isn't it?",
    "  and in\n\nthe 1 12 123",
    "hi<turn>this is<extra3>and... Too well!",
    "I'll see 'THE' end, they're here-on",
    "Cafe\u0301 \u00e9",
]


def make(name, arch, vocabulary, quantised=None, split=0):
    """Writes a file, in f32 or with quantised matrices, or several of `split` tensors; returns the ids of TEXTS."""
    folder = GOLDEN / "models" / name
    config = json.loads((folder / "config.json").read_text())
    path = GOLDEN / "gguf" / f"{name}.gguf"
    if quantised is not None:
        path = GOLDEN / "gguf" / "quantised" / f"{name}-{quantised.name.lower()}.gguf"
    if split:
        path = GOLDEN / "gguf" / "split" / f"{name}.gguf"
    writer = gguf.GGUFWriter(path, arch, split_max_tensors=split)
    metadata(writer, arch, config)
    made = byte_level(writer, arch) if vocabulary == "gpt2" else sentence_pieces(writer, arch)
    for new, tensor in tensors(name, arch, config).items():
        tensor = tensor.astype(numpy.float32)
        if quantised is not None and tensor.ndim == 2:
            writer.add_tensor(new, gguf.quants.quantize(tensor, quantised), raw_dtype=quantised)
        else:
            writer.add_tensor(new, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return [made.encode(text).ids for text in TEXTS]


if __name__ == "__main__":
    (GOLDEN / "gguf" / "quantised").mkdir(parents=True, exist_ok=True)
    ids = {name: make(name, arch, vocabulary) for name, arch, vocabulary in FILES}
    (GOLDEN / "gguf" / "tokens.json").write_text(json.dumps({"texts": TEXTS, "ids": ids}) + "\n")
    (GOLDEN / "gguf" / "split").mkdir(exist_ok=True)
    make("llama-llama3", "llama", "gpt2", split=5)
    for quantised in (gguf.GGMLQuantizationType.Q8_0, gguf.GGMLQuantizationType.Q4_0):
        make("llama-wide", "llama", "gpt2", quantised)
