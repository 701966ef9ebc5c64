"""One call turned into functions that every transformation can be tried on.

Outputs become one real number (`loss`) or a few (`projections`), by pairing them with
fixed cotangents; inputs move along a few fixed directions (`point`). So any shapes,
dtypes and containers work, and Jacobians stay small however large the arguments are.

- `Problem`: the call, with the class's own `apply` or with its twin as the function.
- `scaled`, `stack`: other points near the examples, and batches of them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.verify._slots import is_inexact

Arrays = tuple[jax.Array, ...]

# How many directions the inputs move along, and how many projections of the outputs are
# seen.
DIRECTIONS = 2


class Problem:
    """A function of a call's arrays, scalarized.

    Args:
        function: From all arrays of the arguments to all arrays of the outputs.
        arrays: The arrays of the arguments.
        whole: The call as the user writes it, for its whole output.
        outputs: The arrays of the outputs there, for their shapes and dtypes.
    """

    def __init__(
        self,
        function: Callable[..., Sequence[Any]],
        arrays: Sequence[jax.Array],
        outputs: Sequence[jax.Array],
        whole: Callable[[], Any],
    ) -> None:
        self.function = function
        self.whole = whole
        self.arrays = tuple(arrays)
        self.active = tuple(i for i, a in enumerate(arrays) if is_inexact(a))
        self.xs: Arrays = tuple(arrays[i] for i in self.active)
        self.argnums = tuple(range(len(self.xs)))
        inexact = [a for a in (*arrays, *outputs) if is_inexact(a)]
        self.eps = max([float(jnp.finfo(a.dtype).eps) for a in inexact], default=0.0)
        wide = any(jnp.finfo(a.dtype).bits == 64 for a in inexact)
        self.real = jnp.dtype(jnp.float64 if wide else jnp.float32)
        self.zero = jnp.zeros((DIRECTIONS,), self.real)
        self.cotangents = [
            [self.weights(a, seed) for a in outputs] for seed in range(DIRECTIONS)
        ]
        self.directions = [
            [self.weights(a, 5 + seed) for a in self.xs] for seed in range(DIRECTIONS)
        ]

    def weights(self, like: Any, seed: int) -> Any:
        """Fixed numbers in the shape and dtype of an array, exact in any dtype."""
        if not is_inexact(like):
            return None
        real, imaginary = (
            ((7 * np.arange(like.size) + 3 * s) % 11 - 5.5).reshape(like.shape) / 4
            for s in (seed, seed + 4)
        )
        values = real + 1j * imaginary if jnp.iscomplexobj(like) else real
        return jnp.asarray(values.astype(like.dtype))

    def _parts(self, array: Any) -> list[Any]:
        if not jnp.iscomplexobj(array):
            return [array.astype(self.real)]
        return [jnp.real(array).astype(self.real), jnp.imag(array).astype(self.real)]

    def pair(self, weights: Sequence[Any], values: Sequence[Any]) -> jax.Array:
        """The sum of real(vdot(weight, value)); where the weight is None it is zero."""
        total = jnp.zeros((), self.real)
        for weight, value in zip(weights, values, strict=True):
            if weight is not None:
                for w, v in zip(self._parts(weight), self._parts(value), strict=True):
                    total += jnp.sum(w * v)
        return total

    def slope(self, gradient: Sequence[Any], direction: Sequence[Any]) -> jax.Array:
        """The derivative along a direction, from a gradient in JAX's convention."""
        return self.pair([jnp.conj(d) for d in direction], gradient)

    def outputs(self, *xs: Any) -> tuple[Any, ...]:
        """The output arrays; what can't be differentiated is held fixed."""
        arrays = list(self.arrays)
        for index, x in zip(self.active, xs, strict=True):
            arrays[index] = x
        return tuple(self.function(*arrays))

    def loss(self, *xs: Any) -> jax.Array:
        """The outputs paired with the first cotangents: one real number."""
        return self.pair(self.cotangents[0], self.outputs(*xs))

    def loss_of_all(self, *arrays: Any) -> jax.Array:
        """`loss` as a function of all arrays, integers and keys too."""
        return self.pair(self.cotangents[0], self.function(*arrays))

    def point(self, theta: Any, *xs: Any) -> Arrays:
        """`xs` moved along the directions by the real numbers `theta`."""
        return tuple(
            x + sum(self._times(theta[k], d[i]) for k, d in enumerate(self.directions))
            for i, x in enumerate(xs or self.xs)
        )

    def _times(self, number: Any, array: jax.Array) -> jax.Array:
        return number.astype(array.dtype) * array

    def scaled(self, number: Any, *xs: Any) -> Arrays:
        """Arrays times a real number."""
        return tuple(self._times(number, x) for x in xs)

    def along(self, theta: Any) -> jax.Array:
        """`loss` as a function of a few real numbers."""
        return self.loss(*self.point(theta))

    def projections(self, theta: Any) -> jax.Array:
        """A few real numbers of a few real numbers."""
        outputs = self.outputs(*self.point(theta))
        return jnp.stack([self.pair(c, outputs) for c in self.cotangents])

    def grad(self, function: Callable[..., Any]) -> Callable[..., Arrays]:
        """`jax.grad` with respect to every argument."""
        return jax.grad(function, self.argnums)

    def grad_along(self, function: Callable[..., Any], seed: int) -> Callable[..., Any]:
        """The gradient of a function, along a direction: a real number again."""
        gradient = self.grad(function)
        weights = self.directions[seed]
        return lambda *xs: self.pair(weights, gradient(*xs))

    def member(self, moved: Sequence[bool]) -> Arrays:
        """The examples, with some of them shrunk a little: another point near them."""
        return tuple(
            self._times(jnp.asarray(0.875, self.real), x) if m else x
            for x, m in zip(self.xs, moved, strict=True)
        )

    def batch(self, leaf: int, size: int) -> jax.Array:
        """An example and its shrunk sibling, in turn, along a new leading axis."""
        sibling = self.member([True] * len(self.xs))[leaf]
        return jnp.stack([(self.xs[leaf], sibling)[i % 2] for i in range(size)])

    def batches(self, size: int) -> Arrays:
        """Every example that can be differentiated, with a leading axis."""
        return tuple(self.batch(leaf, size) for leaf in self.argnums)

    def all_batches(self, size: int) -> Arrays:
        """Every array with a leading axis; integers and keys are just repeated."""
        batches = [jnp.stack([a] * size) for a in self.arrays]
        for index, batch in zip(self.active, self.batches(size), strict=True):
            batches[index] = batch
        return tuple(batches)


def splits(count: int) -> list[frozenset[int]]:
    """Which of `count` arguments to batch: all, none, each of the first three alone."""
    alone = [frozenset([i]) for i in range(min(count, 3))] if count > 1 else []
    return [frozenset(range(count)), frozenset(), *alone]


def shares(size: int) -> list[float]:
    """The weight of each member of a batch in a sum over it."""
    return [1.0 + i % 2 for i in range(size)]
