"""Which Function is compared with which hand-written rule, on which arguments.

- `Pair`: one Function, its twin, and how to call both.
- `PAIRS`: the eight pairs.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import Function
from tests.bench import functions, handwritten

Arrays = tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class Pair:
    """A Function beside the rule that an expert would write for it.

    Attributes:
        cls: The Function.
        twin: The hand-written `jax.custom_vjp`, with the same arguments.
        arrays: Makes the array arguments for a number of rows and columns.
        argnums: The arguments that gradients are taken of.
        static: The static arguments by name, after the arrays.
        plain: Whether every argument is an array of its own; `apply` has a wider limit
            where it is not.
        dual: Whether the Function answers forward mode too.
        step: One link of a chain of calls, from the callable and its arguments to the
            next first argument.
    """

    cls: type[Function]
    twin: Callable[..., jax.Array]
    arrays: Callable[[int, int], Arrays]
    argnums: tuple[int, ...] = (0,)
    static: dict[str, Any] = dataclasses.field(default_factory=dict)
    plain: bool = True
    dual: bool = False
    step: Callable[..., jax.Array] = lambda f, *args: f(*args)

    @property
    def name(self) -> str:
        """The name of the Function."""
        return self.cls.__name__

    def sides(self) -> tuple[Callable[..., jax.Array], Callable[..., jax.Array]]:
        """The Function and its twin as callables of the arrays, made afresh.

        JAX keys its caches by the callable, so a new one is never found there.
        """
        apply, twin, static = self.cls.apply, self.twin, self.static
        # `nondiff_argnums` of a custom_vjp counts positions, so the twin gets those.
        by_position = tuple(static.values())
        return (
            lambda *arrays: apply(*arrays, **static),
            lambda *arrays: twin(*arrays, *by_position),
        )


def _normal(*shape: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(0).standard_normal(shape, np.float32))


def _matrix(rows: int, columns: int) -> Arrays:
    return (_normal(rows, columns),)


def _scaled(rows: int, columns: int) -> Arrays:
    return _normal(rows, columns), jnp.float32(0.25)


def _affine(rows: int, columns: int) -> Arrays:
    return _normal(rows, columns), _normal(columns), _normal(columns)


def _square(rows: int, columns: int) -> Arrays:
    return _normal(rows, columns), _normal(columns, columns), _normal(columns)


def _tree(rows: int, columns: int) -> Arrays:
    params = {"gate": _normal(columns), "shift": _normal(columns)}
    return _normal(rows, columns), params


def _labelled(rows: int, columns: int) -> Arrays:
    return _normal(rows, columns), jnp.arange(rows, dtype=jnp.int32) % columns


def _add_loss(
    f: Callable[..., jax.Array], logits: jax.Array, labels: jax.Array
) -> jax.Array:
    return logits + f(logits, labels)[:, None]


PAIRS = (
    Pair(functions.SiLU, handwritten.silu, _matrix),
    Pair(functions.Exp, handwritten.exp, _matrix),
    Pair(
        functions.LSQ,
        handwritten.lsq,
        _scaled,
        argnums=(0, 1),
        static={"bits": 4},
        plain=False,
    ),
    Pair(functions.LayerNorm, handwritten.layer_norm, _affine, argnums=(0, 1, 2)),
    Pair(functions.Sparsemax, handwritten.sparsemax, _matrix, dual=True),
    Pair(functions.Linear, handwritten.linear, _square, argnums=(0, 1, 2)),
    Pair(functions.Gated, handwritten.gated, _tree, argnums=(0, 1), plain=False),
    Pair(
        functions.SoftmaxCrossEntropy,
        handwritten.softmax_cross_entropy,
        _labelled,
        step=_add_loss,
    ),
)
