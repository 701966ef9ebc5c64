"""The fourteen entries of torch's `autograd_function_db`, and how each is run.

- `Entry`, `ENTRIES`: the class, its arguments, and where it has no rule.
- `in_dims`: every way in which an entry is batched.
- `weights`: the numbers that make a loss of several outputs.
"""

import dataclasses
import itertools
from typing import Any

import numpy as np

from jaxgrad import Function
from tests.upstream import functions, functions_generated

BATCH = 2
Dims = tuple[int | None, ...]


def example(*shape: int, start: float = 0.8) -> np.ndarray:
    """Fixed float64 values, from `start` on, no two alike and in no order."""
    steps = np.arange(1, 1 + np.prod(shape, dtype=int))
    return start + (np.sin(steps * 1.7) + 1.01).reshape(shape) / 2


ORDER = np.argsort(example(3, 5), axis=1)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One entry.

    Attributes:
        name: As it stands in the database.
        function: This library's class of the same name as torch's.
        args: The arguments, arrays as NumPy arrays.
        n_outputs: How many outputs are compared.
        complete: Whether it can be batched, differentiated twice and run forward.
    """

    name: str
    function: type[Function]
    args: tuple[Any, ...]
    n_outputs: int = 1
    complete: bool = True

    def __str__(self) -> str:
        return self.name.removesuffix("AutogradFunction")

    def arrays(self) -> list[np.ndarray]:
        """The array arguments, which come before the static ones."""
        return [v for v in self.args if isinstance(v, np.ndarray)]

    def static(self) -> tuple[Any, ...]:
        """The arguments that follow the arrays."""
        return self.args[len(self.arrays()) :]

    def smooth(self) -> tuple[int, ...]:
        """Which arguments can be differentiated."""
        return tuple(i for i, v in enumerate(self.arrays()) if v.dtype.kind == "f")

    def batched(self, dims: Dims) -> list[np.ndarray]:
        """The array arguments, with different values along a new dimension of each."""
        return [
            v if dim is None else np.stack([v, v[..., ::-1] * factor(v)], axis=dim)
            for v, dim in zip(self.arrays(), dims, strict=True)
        ]

    def tangents(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """One tangent for each argument that can be differentiated."""
        return [weights(arrays[i].shape, 20 + i) for i in self.smooth()]


def factor(array: np.ndarray) -> Any:
    """What tells two examples apart; positions stay positions."""
    return 1.25 if array.dtype.kind == "f" else 1


def in_dims(entry: Entry) -> list[Dims]:
    """Every choice of dimensions but the one that batches nothing."""
    choices = [(0, -1, 1) if v.ndim > 1 else (0, -1) for v in entry.arrays()]
    if len(choices) == 1:
        return [(dim,) for dim in choices[0]]
    if len(choices) == 3:  # 0, None or the last, which is enough of so many
        return [d for d in itertools.product((0, None, -1), repeat=3) if d.count(0) > 0]
    every = itertools.product(*((*dims, None) for dims in choices))
    return [dims for dims in every if dims != (None, None)]


def weights(shape: tuple[int, ...], slot: int) -> np.ndarray:
    """Fixed weights that make one number of the values in one slot."""
    flat = np.cos(np.arange(1, 1 + np.prod(shape, dtype=int)) * (slot + 1.5))
    return flat.reshape(shape)


def _named(name: str, args: tuple, *rest: Any) -> Entry:
    module = functions if hasattr(functions, name) else functions_generated
    suffix = {"NumpyExp_": "NumpyExpMarkDirty"}.get(name, name)
    return Entry(f"{suffix}AutogradFunction", getattr(module, name), args, *rest)


ONE = (example(1),)
TWO = (example(4, start=0.9), example(3, 4, start=1.1))

ENTRIES = [
    _named("NumpyCube", ONE, 2),
    _named("NumpyExp_", ONE),
    _named("NumpyMul", TWO),
    _named("NumpyCubeNotComposable", ONE, 1, False),
    _named("NumpySort", (example(3, 5), 1), 3),
    _named("NumpyTake", (example(3, 5), ORDER, np.argsort(ORDER, axis=1), 1)),
    _named("Select", (example(3, 5), 2)),
    _named("CubeGenVmap", ONE, 2),
    _named("MulGenVmap", TWO),
    _named("SortGenVmap", (example(3, 5), 1), 3),
    _named("SelectGenVmap", (example(3, 5), 2)),
    _named("ScaleGradGenVmap", ONE),
    _named("ZeroGradientsGenVmap", TWO, 2),
    _named("ForwardHasDefaultArgs", (example(3, 5),)),
]
