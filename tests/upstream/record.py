"""Writes `torch_results.json`: what torch answers for every entry and every in_dims.

Run it where torch is installed: `python -m tests.upstream.record`.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.upstream import torch_answers
from tests.upstream.entries import ENTRIES, in_dims

PATH = Path(__file__).with_name("torch_results.json")


def encode(array: np.ndarray) -> dict[str, Any]:
    """An array as plain JSON, exact to the last bit."""
    flat = array.ravel().tolist()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "data": flat}


def decode(entry: dict[str, Any]) -> np.ndarray:
    """The array that `encode` was given."""
    return np.asarray(entry["data"], entry["dtype"]).reshape(entry["shape"])


def key_of(name: str, dims: tuple[int | None, ...] | None) -> str:
    """Where the answers of an entry stand; `dims` is None for those without a batch."""
    return name if dims is None else f"{name} {dims}"


def main() -> None:
    """Runs every entry in torch and writes the file, one array a line."""
    import torch

    lines = [f' "torch": {json.dumps(torch.__version__.split("+")[0])}']
    for entry in ENTRIES:
        for dims in (None, *in_dims(entry)):
            if dims is None:
                answers = torch_answers.plain(entry)
            else:
                answers = torch_answers.batched(entry, dims)
            coded = ",\n".join(
                f"  {json.dumps(key)}: {json.dumps([*map(encode, arrays)])}"
                for key, arrays in answers.items()
            )
            lines.append(f" {json.dumps(key_of(entry.name, dims))}: {{\n{coded}}}")
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
