"""Writes tests/golden/types/types.safetensors: blocks of each ggml weight type, and the values that the gguf package dequantises.

    python tools/golden_types.py

Each type has `TYPE.bytes` (u8 `[5, bytes of a row]`) and `TYPE.values` (f32 `[5, 256]`). The first row holds normally distributed
weights that the gguf package quantises, where it can. The second holds random blocks, and each further row random blocks with an
extreme scale. Requires gguf, numpy and safetensors.
"""

import pathlib

import gguf
import numpy as np
from safetensors.numpy import save_file

from ggml_blocks import FIELDS, TYPES, Type, random_rows, write

COLUMNS = 256
# Scale and minimum of the blocks, and the exponent byte of MXFP4.
EXTREMES = [(2.0**-24, 3.0, 0), (-100.0, -(2.0**-24), 1), (0.0, 2.0**-24, 200)]
FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "types"


def quantised(kind, rng):
    weights = rng.standard_normal((1, COLUMNS), dtype=np.float32) * np.float32(0.05)
    try:
        return gguf.quants.quantize(weights, kind).view(np.uint8).reshape(1, -1)
    except NotImplementedError:
        return random_rows(kind, 1, COLUMNS, 0.05, rng)


def extreme(kind, scale, minimum, exponent, rng):
    """A row whose blocks have an extreme scale; for a type without blocks, weights of that size."""
    if kind in (Type.F16, Type.BF16):
        return random_rows(kind, 1, COLUMNS, scale, rng)
    row = random_rows(kind, 1, COLUMNS, 0.05, rng)
    blocks = row.reshape(-1, gguf.GGML_QUANT_SIZES[kind][1])
    if kind == Type.MXFP4:
        blocks[:, 0] = exponent
        return row
    offset, second = FIELDS[kind]
    write(blocks, offset, np.full(len(blocks), scale))
    if second:
        write(blocks, second[0], np.full(len(blocks), minimum))
    return row


def main():
    tensors = {}
    for name in TYPES:
        kind, rng = Type[name], np.random.default_rng(len(tensors))
        rows = [quantised(kind, rng), random_rows(kind, 1, COLUMNS, 0.05, rng), *(extreme(kind, *e, rng) for e in EXTREMES)]
        rows = np.concatenate(rows)
        values = gguf.quants.dequantize(rows, kind)
        assert values.shape == (len(rows), COLUMNS) and np.isfinite(values).all(), name
        tensors[f"{name}.bytes"] = rows
        tensors[f"{name}.values"] = np.ascontiguousarray(values)
    FOLDER.mkdir(parents=True, exist_ok=True)
    save_file(tensors, FOLDER / "types.safetensors")


if __name__ == "__main__":
    main()
