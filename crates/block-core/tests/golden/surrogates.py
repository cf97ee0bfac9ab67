"""Writes surrogate_NAME_scaleS.safetensors for the surrogates that the reference implementation does not have: spikes and
the surrogate's derivative, float64, from formulas other than the crate's. Python's standard library is enough."""

import cmath
import json
import math
import pathlib
import struct

# The derivative at distance u from the threshold, for steepness s.
SURROGATES = {
    # Of the logistic function: a hyperbolic secant.
    "sigmoid": lambda u, s: s / (4 * math.cosh(s * u / 2) ** 2),
    # Of arctan(π/2·s·u)/π, by a step along the imaginary axis, which loses no digits.
    "arctan": lambda u, s: cmath.atan(math.pi / 2 * s * complex(u, 1e-30)).imag / (math.pi * 1e-30),
    # The two sides of the triangle.
    "triangular": lambda u, s: 0.0 if abs(u) >= 1 / s else (1 - s * u if u > 0 else 1 + s * u),
}
# Exact in float32, with 1 added too.
DISTANCES = [i / 64 for i in range(-160, 161)]


def write(path, meta, tensors):
    header, data = {"__metadata__": meta}, b""
    for name, values in tensors.items():
        values = struct.pack(f"<{len(values)}d", *values)
        offsets = [len(data), len(data) + len(values)]
        header[name] = {"dtype": "F64", "shape": [len(values) // 8], "data_offsets": offsets}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


for name, derivative in SURROGATES.items():
    for scale in (1, 4, 10):
        case = f"surrogate_{name}_scale{scale}"
        meta = {"case": case, "kind": "surrogate", "surrogate": name, "scale": str(scale)}
        tensors = {
            "x": DISTANCES,
            "out": [float(u > 0) for u in DISTANCES],
            "grad": [derivative(u, scale) for u in DISTANCES],
        }
        write(pathlib.Path(__file__).with_name(case + ".safetensors"), meta, tensors)
