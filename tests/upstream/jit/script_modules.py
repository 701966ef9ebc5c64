"""Small modules: ordinary classes whose instances have arrays.

- `Linear`: x @ weight.
- `Plus`: x + n.
- `Calls`: calls another module, and scales what it gives.
- `works`: a module scripted, and compared with itself.
"""

from typing import Any

import numpy as np

import jaxgrad
from tests.upstream.scripted import compare, f32


class Linear:
    def __init__(self, scale: float = 2.0) -> None:
        self.weight = np.float32([[1, 2], [3, 4]]) * np.float32(scale)

    def forward(self, x: Any) -> Any:
        return x @ self.weight

    def __call__(self, x: Any) -> Any:
        return self.forward(x)


class Plus:
    def __init__(self, n: Any = 10) -> None:
        self.n = n

    def __call__(self, x: Any) -> Any:
        return x + self.n


class Calls:
    """A module that calls another."""

    def __init__(self, fn: Any) -> None:
        self.fn = fn
        self.weight = f32(2)

    def forward(self, x: Any) -> Any:
        return self.fn(x) * self.weight


def works(module: Any, *args: Any) -> Any:
    """Script a module, and assert that it gives what the module gives."""
    scripted = jaxgrad.script(module)
    compare(scripted(*args), module.forward(*args))
    return scripted
