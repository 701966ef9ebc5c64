"""What torch's own tools answer for a Function whose backward says 50.

The Function doubles its input, so that a tool that drops its rule answers 2.

- `answers()`: one answer for each tool; torch has to be installed.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from typing import Any


def model() -> Any:
    """A torch module that applies the Function."""
    import torch

    class Marked(torch.autograd.Function):
        @staticmethod
        def forward(x: Any) -> Any:
            return x * 2

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            pass

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 50

    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return Marked.apply(x)

    return Model()


def gradient(call: Callable[[Any], Any]) -> float:
    """The gradient of what a tool made of the module."""
    import torch

    x = torch.ones(3, requires_grad=True)
    return float(torch.autograd.grad(call(x).sum(), x)[0][0])


def tools() -> dict[str, Callable[[], float]]:
    """For each tool, what it answers."""
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    example = torch.ones(3)

    def of_functional(wrap: Callable[[Any], Any]) -> float:
        run = model()
        return float(wrap(torch.func.grad(lambda x: run(x).sum()))(example)[0])

    def exported(strict: bool) -> float:
        program = torch.export.export(model(), (example,), strict=strict)
        return gradient(program.module())

    def saved(module: Any) -> float:
        file = io.BytesIO()
        torch.jit.save(module, file)
        file.seek(0)
        return gradient(torch.jit.load(file))

    def compiled(function: Any) -> Any:
        return torch.compile(function, backend="aot_eager")

    def jit_traced() -> Any:
        return torch.jit.trace(model(), (example,))

    def jit_scripted() -> Any:
        return torch.jit.script(model())

    return {
        "autograd": lambda: gradient(model()),
        "torch.func.grad": lambda: of_functional(lambda f: f),
        "torch.fx.symbolic_trace": lambda: gradient(torch.fx.symbolic_trace(model())),
        "make_fx": lambda: gradient(make_fx(model())(example)),
        "torch.export.export, strict": lambda: exported(True),
        "torch.export.export, not strict": lambda: exported(False),
        "torch.jit.trace": lambda: gradient(jit_traced()),
        "torch.jit.trace, save, load": lambda: saved(jit_traced()),
        "torch.jit.script": lambda: gradient(jit_scripted()),
        "torch.jit.script, save, load": lambda: saved(jit_scripted()),
        "torch.compile": lambda: gradient(compiled(model())),
        "torch.compile(torch.func.grad)": lambda: of_functional(compiled),
    }


def answers() -> dict[str, float | str]:
    """For each tool the gradient that it answers, or the type of error it raises."""
    logging.disable(logging.WARNING)
    found: dict[str, float | str] = {}
    for name, run in tools().items():
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            try:
                found[name] = run()
            except Exception as error:
                found[name] = type(error).__name__
    logging.disable(logging.NOTSET)
    return found
