"""Writes `torch_functions.json`: what torch answers for every source in `functions.py`.

Run it where torch is installed: `python -m tests.recorded.record`.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.recorded.functions import SOURCES, define, inputs, weights

PATH = Path(__file__).with_name("torch_functions.json")


def real_sum(values: list[Any], start: int = 0) -> Any:
    """The real part of the weighted sum, and half of the squares, of torch tensors."""
    import torch

    total = 0.0
    for slot, value in enumerate(values, start):
        w = torch.from_numpy(weights(tuple(value.shape), slot))
        total = total + (value * w).real.sum() + 0.5 * (value.abs() ** 2).sum()
    return total


def answers(name: str) -> dict[str, list[np.ndarray]]:
    """Outputs, first gradients and second gradients of one Function, in torch.

    Args:
        name: A key of `SOURCES`.

    Returns:
        Lists of arrays under "outputs", "first" and "second"; gradients as torch
        gives them, with respect to every array argument.
    """
    import torch

    cls = define(name, torch.autograd.Function, torch)
    args = [
        torch.from_numpy(v).requires_grad_() if isinstance(v, np.ndarray) else v
        for v in inputs(name)
    ]
    tensors = [v for v in args if isinstance(v, torch.Tensor)]
    out = cls.apply(*args)
    outs = out if isinstance(out, tuple) else (out,)
    smooth = [v for v in outs if v.is_floating_point() or v.is_complex()]
    first = torch.autograd.grad(real_sum(smooth), tensors, create_graph=True)
    second = torch.autograd.grad(real_sum(list(first), 10), tensors)
    as_numpy = lambda ts: [t.detach().resolve_conj().numpy() for t in ts]  # noqa: E731
    return {
        "outputs": as_numpy(outs),
        "first": as_numpy(first),
        "second": as_numpy(second),
    }


def encode(array: np.ndarray) -> dict[str, Any]:
    """An array as plain JSON, exact to the last bit."""
    parts = {"dtype": str(array.dtype), "shape": list(array.shape)}
    if np.iscomplexobj(array):
        return {
            **parts,
            "real": array.real.ravel().tolist(),
            "imag": array.imag.ravel().tolist(),
        }
    return {**parts, "real": array.ravel().tolist()}


def decode(entry: dict[str, Any]) -> np.ndarray:
    """The array that `encode` was given."""
    real = np.asarray(entry["real"])
    value = real + 1j * np.asarray(entry["imag"]) if "imag" in entry else real
    return value.astype(entry["dtype"]).reshape(entry["shape"])


def main() -> None:
    """Runs every source in torch and writes the file."""
    import torch

    record: dict[str, Any] = {"torch": torch.__version__.split("+")[0], "functions": {}}
    for name in SOURCES:
        record["functions"][name] = {
            key: [encode(array) for array in arrays]
            for key, arrays in answers(name).items()
        }
    PATH.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
