"""What the answers have to be, without the library's own lowering.

First derivatives are the class's rules called by hand; higher ones are nested reverse
mode of the hand-written twin. Everything is computed once, and only if a cell asks for
it.

- `Oracle.outputs`, `loss`, `gradient`, `jacobian`, `tangents`: by hand.
- `Oracle.second`, `third`, `hessian`: by the twin.
- `Oracle.batched`: the gradient of a weighted sum over a batch, from gradients at its
  members.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import MissingBackwardError
from jaxgrad.verify._hand import Arrays, Hand, Run, defines
from jaxgrad.verify._problem import DIRECTIONS, Problem, shares
from jaxgrad.verify._twin import plain_twin, twin

# With more numbers than these in the inputs, a class with only `jvp` gets its gradient
# from the twin: calling jvp once for each of them would take minutes.
_BASIS_AT_MOST = 64

Moved = tuple[bool, ...]


class Oracle:
    """Expectations for one call of one class.

    Attributes:
        problem: The hand-written twin, for the expectations.
        plain: The plain twin, to find out what JAX can't do for any rule.

    Args:
        hand: The class's rules and the call's arguments.
    """

    def __init__(self, hand: Hand) -> None:
        self.hand = hand
        self.reverse = defines(hand.cls, "backward") or defines(hand.cls, "vjp")
        self.forward = defines(hand.cls, "jvp")
        first = hand.run(hand.arrays)

        def whole() -> Any:
            return hand.run(hand.arrays).output

        self.problem = Problem(twin(hand), hand.arrays, first.arrays, whole)
        self.plain = Problem(plain_twin(hand), hand.arrays, first.arrays, whole)
        self.base: Moved = (False,) * len(self.problem.xs)
        self.moved: Moved = (True,) * len(self.problem.xs)
        self._runs: dict[Moved, Run] = {self.base: first}
        self._gradients: dict[Moved, Arrays] = {}

    def run(self, moved: Moved) -> Run:
        """Forward by hand, at the examples with some of them shrunk."""
        if moved not in self._runs:
            arrays = list(self.hand.arrays)
            member = self.problem.member(moved)
            for index, x in zip(self.problem.active, member, strict=True):
                arrays[index] = x
            self._runs[moved] = self.hand.run(arrays)
        return self._runs[moved]

    def outputs(self, *members: Moved) -> Arrays:
        """The output arrays, stacked over members."""
        found = [self.run(m).arrays for m in members]
        return tuple(map(jnp.stack, zip(*found, strict=True)))

    def loss(self) -> jax.Array:
        """The outputs paired with the first cotangents."""
        return self.problem.pair(self.problem.cotangents[0], self.run(self.base).arrays)

    def gradient(self, moved: Moved | None = None) -> Arrays:
        """The gradient of the loss, in JAX's convention."""
        moved = self.base if moved is None else moved
        if moved not in self._gradients:
            by_hand = self._pull if self.reverse else self._from_basis
            self._gradients[moved] = by_hand(moved, self.problem.cotangents[0])
        return self._gradients[moved]

    def _pull(self, moved: Moved, cotangents: Sequence[Any]) -> Arrays:
        # JAX's cotangent of an output, in real(vdot(weight, output)), is the conjugate.
        given = [None if c is None else jnp.conj(c) for c in cotangents]
        gradients = self.hand.pull(self.run(moved), given)
        return tuple(gradients[i] for i in self.problem.active)

    def _push(self, moved: Moved, tangents: Sequence[Any]) -> Arrays:
        full: list[Any] = [None] * len(self.hand.arrays)
        for index, tangent in zip(self.problem.active, tangents, strict=True):
            full[index] = tangent
        return self.hand.push(self.run(moved), full)

    def _from_basis(self, moved: Moved, cotangents: Sequence[Any]) -> Arrays:
        """The gradient of a class with `jvp` only: one call for each basis vector."""
        if not self.forward:
            raise MissingBackwardError(f"{self.hand.cls.__name__} has no backward")
        problem, xs = self.problem, self.problem.member(moved)
        if sum(x.size for x in xs) > _BASIS_AT_MOST:
            return problem.grad(problem.loss)(*xs)
        zeros = [np.zeros(x.shape, x.dtype) for x in xs]
        gradients = [np.zeros(x.shape, x.dtype) for x in xs]
        for leaf, x in enumerate(xs):
            for unit in (1, 1j) if jnp.iscomplexobj(x) else (1,):
                for place in np.ndindex(x.shape):
                    basis = zeros[leaf].copy()
                    basis[place] = unit
                    tangents = [*zeros[:leaf], basis, *zeros[leaf + 1 :]]
                    pushed = self._push(moved, [jnp.asarray(t) for t in tangents])
                    slope = float(problem.pair(cotangents, pushed))
                    gradients[leaf][place] += slope * np.conj(unit)
        return tuple(map(jnp.asarray, gradients))

    @functools.cached_property
    def jacobian(self) -> jax.Array:
        """The derivatives of the projections along the directions, by backward."""
        pull = self._pull if self.reverse else self._from_basis
        gradients = [pull(self.base, c) for c in self.problem.cotangents]
        slope, directions = self.problem.slope, self.problem.directions
        return jnp.stack(
            [jnp.stack([slope(g, d) for d in directions]) for g in gradients]
        )

    @functools.cached_property
    def tangents(self) -> jax.Array:
        """The same numbers, by `jvp` where the class has one."""
        if not self.forward:
            return self.jacobian
        pair, cotangents = self.problem.pair, self.problem.cotangents
        pushed = [self._push(self.base, d) for d in self.problem.directions]
        return jnp.stack([jnp.stack([pair(c, t) for t in pushed]) for c in cotangents])

    @functools.cached_property
    def second(self) -> Arrays:
        """The gradient of the gradient along the first direction."""
        problem = self.problem
        return jax.jit(problem.grad(problem.grad_along(problem.loss, 0)))(*problem.xs)

    @functools.cached_property
    def third(self) -> Arrays:
        """The gradient of the second derivative along both directions."""
        problem = self.problem
        twice = problem.grad_along(problem.grad_along(problem.loss, 0), 1)
        return jax.jit(problem.grad(twice))(*problem.xs)

    @functools.cached_property
    def _hessian(self) -> Callable[..., jax.Array]:
        # Row by row: a forward may hold a callback that can't be batched.
        problem = self.problem
        gradient = jax.grad(lambda theta, *xs: problem.loss(*problem.point(theta, *xs)))

        def rows(*xs: Any) -> jax.Array:
            return jnp.stack(
                [
                    jax.grad(lambda t, k=k: gradient(t, *xs)[k])(problem.zero)
                    for k in range(DIRECTIONS)
                ]
            )

        return jax.jit(rows)

    def hessian(self, moved: Moved | None = None) -> jax.Array:
        """The second derivatives of the loss along the directions."""
        return self._hessian(*self.problem.member(moved or self.base))

    def batched(self, size: int, batched: frozenset[int]) -> Arrays:
        """The gradient of the weighted sum of the losses of a batch.

        Args:
            size: How many members; the odd ones are shrunk.
            batched: Which arguments have a batch axis. The others are shared by all
                members, and their gradients are sums.

        Returns:
            One gradient for each argument, in JAX's convention.
        """
        moved = [
            tuple(bool(i % 2) and leaf in batched for leaf in self.problem.argnums)
            for i in range(size)
        ]
        found = [
            [g * np.asarray(share).astype(g.dtype) for g in self.gradient(m)]
            for m, share in zip(moved, shares(size), strict=True)
        ]
        return tuple(
            jnp.stack(column) if leaf in batched else functools.reduce(jnp.add, column)
            for leaf, column in enumerate(zip(*found, strict=True))
        )
