"""Writes a GGUF file of a Llama-like model with random weights, tensor by tensor, so that it needs little memory.

    python tools/random_gguf.py --preset llama3-8b -o llama8b-q4_k_m.gguf        # 4.9 GB
    python tools/random_gguf.py --preset 135m --type Q5_0 -o 135m-q5_0.gguf
    python tools/random_gguf.py --width 1024 --layers 8 --heads 16 --kv-heads 4 --mlp 2816 --vocabulary 32000 --type Q6_K -o x.gguf

`--type Q4_K_M` mixes Q4_K and Q6_K as llama.cpp does. Any other type is that of all matrices; where rows do not fill its blocks,
the type is llama.cpp's replacement. Activations stay finite: each weight's standard deviation is one over the root of the
matrix's number of inputs. The tokenizer is the demo's, with unused tokens up to `--vocabulary`. The same arguments give the
same file. Requires gguf and numpy.
"""

import argparse
import json
import pathlib
import zlib

import gguf
import numpy as np

from ggml_blocks import TYPES, Type, random_rows

TOKENIZER = pathlib.Path(__file__).resolve().parent.parent / "assets" / "demo" / "model" / "tokenizer.json"
SHAPE = ["width", "layers", "heads", "kv_heads", "mlp", "vocabulary"]
# Shape, whether one matrix is both embedding and output, rotary base. 135m-512 has rows that fill the blocks of every type.
PRESETS = {
    "135m": ([576, 30, 9, 3, 1536, 49152], True, 1e4),
    "135m-512": ([512, 30, 8, 4, 1536, 49152], True, 1e4),
    "2048": ([2048, 4, 32, 8, 5632, 32000], True, 1e4),
    "llama3-8b": ([4096, 32, 32, 8, 14336, 128256], False, 5e5),
}
REPLACEMENTS = {
    **dict.fromkeys([Type.Q2_K, Type.Q3_K, Type.IQ4_XS], Type.IQ4_NL),
    Type.Q4_K: Type.Q5_0,
    Type.Q5_K: Type.Q5_1,
    Type.Q6_K: Type.Q8_0,
}


def matrices(shape):
    """Returns rows and columns of every matrix by name, in the order of the file."""
    width, head = shape.width, shape.width // shape.heads
    made = {"token_embd": (shape.vocabulary, width)}
    for layer in range(shape.layers):
        parts = {
            "attn_q": (width, width),
            "attn_k": (shape.kv_heads * head, width),
            "attn_v": (shape.kv_heads * head, width),
            "attn_output": (width, width),
            "ffn_gate": (shape.mlp, width),
            "ffn_up": (shape.mlp, width),
            "ffn_down": (width, shape.mlp),
        }
        made |= {f"blk.{layer}.{part}": size for part, size in parts.items()}
    return made if shape.tied else made | {"output": (shape.vocabulary, width)}


def norms(shape):
    layers = [f"blk.{layer}.{part}" for layer in range(shape.layers) for part in ("attn_norm", "ffn_norm")]
    return [*layers, "output_norm"]


def type_of(name, columns, shape):
    """Returns the type of a matrix, as llama.cpp would choose it."""
    if shape.type == "Q4_K_M":
        output = name == ("token_embd" if shape.tied else "output")
        kind = Type.Q6_K if output or has_more_bits(name, shape.layers) else Type.Q4_K
    else:
        kind = Type[shape.type]
    if columns % gguf.GGML_QUANT_SIZES[kind][0]:
        kind = REPLACEMENTS.get(kind, kind)
    return kind if columns % gguf.GGML_QUANT_SIZES[kind][0] == 0 else Type.F16


def has_more_bits(name, layers):
    """Whether a matrix of Q4_K_M is Q6_K: values and MLP results of the first and last eighth of layers and every third between."""
    if not name.endswith(("attn_v", "ffn_down")):
        return False
    layer, eighth = int(name.split(".")[1]), layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


def add_metadata(writer, shape):
    writer.add_name(shape.output.stem)
    writer.add_context_length(8192)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.mlp)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_vocab_size(shape.vocabulary)


def add_tokenizer(writer, vocabulary):
    tokenizer = json.loads(TOKENIZER.read_text(encoding="utf-8"))
    merges = tokenizer["model"]["merges"]
    special = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    tokens = sorted(tokenizer["model"]["vocab"] | special, key=(tokenizer["model"]["vocab"] | special).get)
    if len(tokens) > vocabulary:
        raise SystemExit(f"error: --vocabulary {vocabulary}: the tokenizer has {len(tokens)} tokens")
    kinds = [gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens]
    unused = vocabulary - len(tokens)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens + [f"<unused{index}>" for index in range(unused)])
    writer.add_token_types(kinds + [gguf.TokenType.UNUSED] * unused)
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    end = next(iter(special.values()), 0)
    writer.add_bos_token_id(end)
    writer.add_eos_token_id(end)
    writer.add_add_bos_token(True)


def write(shape):
    writer = gguf.GGUFWriter(shape.output, "llama")
    add_metadata(writer, shape)
    add_tokenizer(writer, shape.vocabulary)
    kinds = {}
    for name, (rows, columns) in matrices(shape).items():
        kinds[name] = type_of(name, columns, shape)
        values, size = gguf.GGML_QUANT_SIZES[kinds[name]]
        writer.add_tensor_info(f"{name}.weight", (rows, columns), np.float32, rows * columns // values * size, kinds[name])
    for name in norms(shape):
        writer.add_tensor_info(f"{name}.weight", (shape.width,), np.float32, 4 * shape.width)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for name, (rows, columns) in matrices(shape).items():
        rng = np.random.default_rng([shape.seed, zlib.crc32(name.encode())])
        writer.write_tensor_data(random_rows(kinds[name], rows, columns, columns**-0.5, rng))
    for _ in norms(shape):
        writer.write_tensor_data(np.ones(shape.width, np.float32))
    writer.close()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, help="a shape; other options replace parts of it")
    for name in SHAPE:
        parser.add_argument("--" + name.replace("_", "-"), type=int)
    parser.add_argument("--type", default="Q4_K_M", choices=["F32", *TYPES, "Q4_K_M"])
    parser.add_argument("--tied", action="store_true", default=None, help="one matrix for embedding and output")
    parser.add_argument("--rope-base", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    options = parser.parse_args()
    sizes, tied, rope_base = PRESETS.get(options.preset, ([None] * len(SHAPE), False, 1e4))
    for name, preset in [*zip(SHAPE, sizes), ("tied", tied), ("rope_base", rope_base)]:
        if getattr(options, name) is None:
            setattr(options, name, preset)
        if getattr(options, name) is None:
            parser.error(f"--{name.replace('_', '-')} is needed without --preset")
    return options


if __name__ == "__main__":
    write(arguments())
