"""Which tools keep a custom backward: a table, of torch's and of jaxgrad's own.

Each is given a Function that doubles its input and whose backward says 50. A tool that
keeps the rule answers 50; one that drops it, silently, answers 2.

- `python -m tests.frontend.tools_table`: prints the table. What torch answers is read
  from `tools_table.json`; `--record` runs torch and writes that file.
"""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import Context, Function
from jaxgrad import lower as _lower
from jaxgrad.frontend import TracedFunction, trace
from jaxgrad.graph import canonicalize, constant_fold, cse, dce, inline

PATH = Path(__file__).with_name("tools_table.json")
KEPT, DROPPED = 50.0, 2.0


class Marked(Function):
    """Twice the input, with a rule of 50."""

    @staticmethod
    def forward(ctx: Context, x: Any) -> Any:
        return x * 2

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        return 50 * g


def model(x: Any) -> Any:
    return Marked.apply(x)


def example() -> Any:
    return jnp.ones(3)


def gradient(call: Callable[..., Any]) -> float:
    return float(jax.grad(lambda x: call(x).sum())(example())[0])


def traced() -> TracedFunction:
    return trace(model, example())


def passed() -> TracedFunction:
    found = traced()
    for graph_pass in (dce, cse, inline, constant_fold, canonicalize):
        found.graph = graph_pass(found.graph)
    return found


def exported() -> Any:
    return jax.export.deserialize(traced().export().serialize()).call


def saved() -> Any:
    file: Any = io.BytesIO()
    traced().save(file)
    file.seek(0)
    return _lower.load(file)


TOOLS: dict[str, Callable[[], float]] = {
    "Function.apply": lambda: gradient(model),
    "jaxgrad.trace": lambda: gradient(traced()),
    "jaxgrad.trace of a traced function": lambda: gradient(trace(traced(), example())),
    "jaxgrad.trace, every pass": lambda: gradient(passed()),
    "jaxgrad.trace, export, deserialize": lambda: gradient(exported()),
    "jaxgrad.trace, save, load": lambda: gradient(saved()),
    "jax.jit(jax.grad) of jaxgrad.trace": lambda: float(
        jax.jit(jax.grad(lambda x: traced()(x).sum()))(example())[0]
    ),
}


def recorded() -> dict[str, Any]:
    """Torch's version, and what its tools answered."""
    return json.loads(PATH.read_text())


def verdict(answer: float | str) -> str:
    """What an answer means: a number is a gradient, a name an error."""
    if isinstance(answer, str):
        return f"refuses: {answer}"
    return {KEPT: "keeps the rule", DROPPED: "DROPS the rule"}[answer]


def table(own: dict[str, float]) -> str:
    """The table, with the answers of jaxgrad that are given."""
    record = recorded()
    rows = [
        *((f"torch {record['torch']}", n, a) for n, a in record["answers"].items()),
        *(("jaxgrad", n, a) for n, a in own.items()),
    ]
    head = ("", "tool", "gradient", "verdict")
    cells = [head, *((who, n, str(a), verdict(a)) for who, n, a in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(4)]
    pad = lambda row: [c.ljust(w) for c, w in zip(row, widths, strict=True)]  # noqa: E731
    return "\n".join("  ".join(pad(row)).rstrip() for row in cells)


def record() -> None:
    """Run torch, and write what it answers."""
    import torch

    from tests.frontend import tools_torch

    version = torch.__version__.split("+")[0]
    found = {"torch": version, "answers": tools_torch.answers()}
    PATH.write_text(json.dumps(found, indent=1) + "\n")


def main() -> None:
    """Print the table."""
    if "--record" in sys.argv[1:]:
        record()
    print(table({name: run() for name, run in TOOLS.items()}))


if __name__ == "__main__":
    main()
