"""The table of Functions that drives every transform test.

Most rules are marked: they differ from the true derivative of `forward` by a factor of
100, 10 or 3, so that a rule that is dropped shows in the numbers. Each case says its
gradient, and where that is simple its second derivative, in plain NumPy: an outside
oracle that shares no code with the library, with its twin or with JAX's
differentiation.

- `Case`: a Function, examples for its arguments, and those formulas.
- `CASES`: the table; `by_name(name)` picks from it.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.verify import kinds, modes, saving

Arrays = list[Any]

X = np.array([0.5, -1.25, 2.0], np.float32)
Y = np.array([1.5, 0.75, -0.5], np.float32)
Z = np.array([0.5 + 1.0j, -1.25 + 0.25j, 0.75 - 0.5j], np.complex64)


@dataclasses.dataclass(frozen=True)
class Case:
    """One Function, and what is known about it from outside.

    Attributes:
        name: For test ids.
        function: The class.
        examples: The positional arguments of `apply`, or a callable that makes them
            (JAX arrays are made late, so that importing this file starts no backend).
        gradient: From a list of cotangents, one for each output array, to the gradients
            of `sum(real(vdot(cotangent, output)))` at the examples: one for each
            floating or complex array among the arguments, in JAX's convention.
        second: For elementwise Functions of one array, from such a list to the diagonal
            of the second derivative of that sum.
        kwargs: The keyword arguments of `apply`.
    """

    name: str
    function: type
    examples: tuple[Any, ...] | Callable[[], tuple[Any, ...]]
    gradient: Callable[[Arrays], Arrays]
    second: Callable[[Arrays], Any] | None = None
    kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    def args(self) -> tuple[Any, ...]:
        """The positional arguments of `apply`."""
        made = self.examples() if callable(self.examples) else self.examples
        return jax.tree.map(
            lambda v: jnp.asarray(v) if isinstance(v, np.ndarray) else v, made
        )


def by_name(name: str) -> Case:
    """The case of a name."""
    return next(case for case in CASES if case.name == name)


def _several(c: Arrays) -> Arrays:
    return [100 * Y * c[0] + 10 * np.exp(X) * c[1], 3 * X * c[0]]


def _trees(c: Arrays) -> Arrays:
    size, y = c  # keys in order: "size" before "y"; in the arguments "bias" before "w"
    return [3 * y.sum(), 3 * X * y + 10 * Y * size, 3 * Y * y]


def _lookup(c: Arrays) -> Arrays:
    out = np.zeros_like(X)
    np.add.at(out, [2, 0, 2], 100 * X[[2, 0, 2]] * c[0])
    return [out]


def _mask() -> Any:
    return np.asarray(jax.random.bernoulli(jax.random.key(1), 0.5, (3,)), np.float32)


def _noise() -> Any:
    return np.asarray(jax.random.normal(jax.random.PRNGKey(2), (3,), np.float32))


def _complex(c: Arrays) -> Arrays:
    return [3 * np.real(np.conj(c[0]) * Z * Z), 6 * X * np.conj(c[0]) * Z]


def _only_forward(c: Arrays) -> Arrays:
    return [10 * np.exp(X) * Y * c[0], 3 * np.exp(X) * c[0]]


def _square(c: Arrays) -> Arrays:
    return [100 * X * c[0]]


def _square_again(c: Arrays) -> Any:
    return 100 * c[0]


def _exp(c: Arrays) -> Arrays:
    return [10 * np.exp(X) * c[0]]


def _exp_again(c: Arrays) -> Any:
    return 100 * np.exp(X) * c[0]


CASES: tuple[Case, ...] = (
    Case("saved_input", saving.SavedInput, (X,), _square, _square_again),
    Case("saved_output", saving.SavedOutput, (X,), _exp, _exp_again),
    Case(
        "saved_intermediate",
        saving.SavedIntermediate,
        (X,),
        lambda c: [3 * np.cos(X) * c[0]],
        lambda c: -3 * np.sin(X) * c[0],
    ),
    Case(
        "attributes",
        saving.Attributes,
        (X,),
        lambda c: [3 * X * np.cos(X) * c[0]],
        lambda c: 3 * (np.cos(X) - X * np.sin(X)) * c[0],
    ),
    Case("several", saving.Several, (X, Y), _several),
    Case(
        "setup_context",
        saving.SetUp,
        (X,),
        lambda c: [10 * np.float32(1.5) * c[0], np.sum(10 * X * c[0])],
        kwargs={"scale": np.float32(1.5)},
    ),
    Case(
        "needs_input_grad",
        saving.AsNeeded,
        (X, Y),
        lambda c: [3 * Y * c[0], 3 * X * c[0]],
    ),
    Case(
        "returns_input",
        saving.Reversal,
        (X,),
        lambda c: [-3 * c[0]],
        lambda c: 0 * c[0],
    ),
    Case(
        "straight_through",
        saving.StraightThrough,
        (X,),
        lambda c: [c[0]],
        lambda c: 0 * c[0],
    ),
    Case("once_differentiable", saving.Once, (X,), _square),
    Case("mark_non_differentiable", saving.Marked, (X,), _square, _square_again),
    Case("unmaterialized", saving.Unmaterialized, (X,), _square, _square_again),
    Case("trees", kinds.Trees, ({"w": Y, "bias": [np.float32(0.25)]}, X), _trees),
    Case(
        "statics",
        kinds.Statics,
        (X, 0.5),
        lambda c: [-10 * X * c[0]],
        lambda c: -10 * c[0],
        kwargs={"flip": True},
    ),
    Case("integers", kinds.Lookup, (X, np.array([2, 0, 2], np.int32)), _lookup),
    Case(
        "typed_key",
        kinds.Dropout,
        lambda: (X, jax.random.key(1)),
        lambda c: [3 * _mask() * c[0]],
        lambda c: 0 * c[0],
    ),
    Case(
        "raw_key",
        kinds.Noise,
        lambda: (X, jax.random.PRNGKey(2)),
        lambda c: [10 * _noise() * c[0]],
        lambda c: 0 * c[0],
    ),
    Case(
        "bfloat16",
        kinds.Half,
        (X.astype(jnp.bfloat16),),
        lambda c: [3 * X * c[0]],
        lambda c: 3 * c[0],
    ),
    Case("complex", kinds.Complex, (X, Z), _complex),
    Case("complex_as_in_jax", kinds.ComplexAsInJax, (X, Z), _complex),
    Case("callback", modes.Callback, (X,), _square, _square_again),
    Case("while_loop", modes.While, (X,), _square, _square_again),
    Case(
        "scan",
        modes.Scan,
        (X,),
        lambda c: [10 * (1 + X + X * X) * c[0]],
        lambda c: 100 * (1 + X + X * X) * c[0],
    ),
    Case("derived_jvp", modes.Derived, (X,), _square, _square_again),
    Case("derived_jvp_callback", modes.DerivedCallback, (X,), _square, _square_again),
    Case("derived_jvp_several", modes.DerivedOutput, (X, Y), _several),
    Case("jvp_and_backward", modes.Both, (X,), _exp, _exp_again),
    Case("jvp_only", modes.OnlyForward, (X, Y), _only_forward),
)
