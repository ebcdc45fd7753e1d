"""Random blocks of ggml's weight types, for golden files and random-weight models.

The bits of a random block are uniform. Its scale is chosen so that the weights have zero mean and a given standard deviation.
Requires gguf and numpy.
"""

import gguf
import numpy as np

Type = gguf.GGMLQuantizationType
TYPES = ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4"]
# Byte offset of a block's scale, and of its minimum with the minimum's ratio to the scale that gives zero mean. All are f16.
FIELDS = {
    Type.Q8_0: (0, None),
    Type.Q4_0: (0, None),
    Type.Q4_1: (0, (2, -7.5)),
    Type.Q5_0: (0, None),
    Type.Q5_1: (0, (2, -15.5)),
    Type.Q2_K: (80, (82, 1.5)),
    Type.Q3_K: (108, None),
    Type.Q4_K: (0, (2, 7.5)),
    Type.Q5_K: (0, (2, 15.5)),
    Type.Q6_K: (208, None),
    Type.IQ4_NL: (0, None),
    Type.IQ4_XS: (0, None),
}


def random_rows(kind, rows, columns, deviation, rng):
    """Returns the bytes `[rows, bytes of a row]` of random weights with standard deviation `deviation`."""
    if kind in (Type.F32, Type.F16, Type.BF16):
        weights = rng.standard_normal((rows, columns), dtype=np.float32) * np.float32(deviation)
        return gguf.quants.quantize(weights, kind).view(np.uint8).reshape(rows, -1)
    values, size = gguf.GGML_QUANT_SIZES[kind]
    if columns % values:
        raise ValueError(f"rows of {columns} weights do not fill blocks of {values} weights of type {kind.name}")
    blocks = rng.integers(0, 256, (rows * columns // values, size), np.uint8)
    if kind == Type.MXFP4:
        blocks[:, 0] = round(127 + np.log2(deviation / 2.5)) + rng.integers(-1, 2, len(blocks))
    else:
        set_scales(kind, blocks, deviation, rng)
    return blocks.reshape(rows, -1)


def set_scales(kind, blocks, deviation, rng):
    """Sets scales and minima of `blocks`: a random sign, and a size between 0.7 and 1.3 of what gives `deviation`."""
    scale, minimum = FIELDS[kind]
    signed = rng.uniform(0.7, 1.3, len(blocks)) * rng.choice([-1.0, 1.0], len(blocks)) * deviation / unit_deviation(kind)
    write(blocks, scale, signed)
    if minimum:
        write(blocks, minimum[0], signed * minimum[1])


def write(blocks, offset, values):
    blocks[:, offset:offset + 2] = values.astype(np.float16)[:, None].view(np.uint8)


def unit_deviation(kind):
    """The standard deviation of random weights whose blocks have the scale 1."""
    scale, minimum = FIELDS[kind]
    blocks = np.random.default_rng(0).integers(0, 256, (4096, gguf.GGML_QUANT_SIZES[kind][1]), np.uint8)
    write(blocks, scale, np.ones(len(blocks)))
    if minimum:
        write(blocks, minimum[0], np.full(len(blocks), minimum[1]))
    return float(gguf.quants.dequantize(blocks, kind).std())
