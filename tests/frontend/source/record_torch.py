"""Records what torch's own parser makes of the functions of `sources.py`.

    python -m tests.frontend.source.record_torch

Needs torch, and writes `torch_dumps.json` next to this file.
"""

import importlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.frontend.source.sources import CLASSES_FOR_TORCH, FOR_TORCH

PATH = Path(__file__).with_name("torch_dumps.json")


def live(folder: str, name: str, text: str) -> Any:
    """The function or class that a text defines, in a module of its own."""
    path = Path(folder, f"{name}_text.py")
    header = "from typing import *; from torch import Tensor\n"
    path.write_text(header + text)
    return getattr(importlib.import_module(path.stem), name)


def dumps() -> dict[str, str]:
    """What torch prints for each function and class."""
    from torch.jit import frontend

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        for name, text in FOR_TORCH.items():
            found[name] = str(frontend.get_jit_def(live(folder, name, text), name))
        for name, text in CLASSES_FOR_TORCH.items():
            tree = frontend.get_jit_class_def(live(folder, name, text), name)
            found[name] = str(tree)
        sys.path.remove(folder)
    return {name: text.removesuffix("\n") for name, text in found.items()}


if __name__ == "__main__":
    PATH.write_text(json.dumps(dumps(), indent=1, ensure_ascii=False) + "\n")
