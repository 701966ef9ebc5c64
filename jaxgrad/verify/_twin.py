"""The hand-written twin: a class's rules as a plain `jax.custom_vjp`.

Its rule calls the twin itself for its outputs, so that a saved output comes back under
that rule when somebody differentiates again. A saved input is the live input, and a
saved intermediate is computed from the live inputs, so that JAX itself differentiates
it.

- `twin(hand)`: the function of the input arrays (a `jax.custom_jvp` for a class with
  `jvp` only).
- `plain_twin(hand)`: a rule that doesn't call itself, and asks JAX what is perturbed.
  Its second derivatives are wrong where an output is saved, but it goes wherever such a
  `custom_vjp` can go, so it tells what JAX can't do.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.verify._hand import Arrays, Hand, Run, defines
from jaxgrad.verify._slots import fill, is_array, is_inexact, take_arrays


def twin(hand: Hand) -> Callable[..., Arrays]:
    """The rules as a plain JAX function from the input arrays to the output arrays."""
    return _with_vjp(hand) if _has_backward(hand) else _with_jvp(hand)


def plain_twin(hand: Hand) -> Callable[..., Arrays]:
    """The rules in the way that JAX offers for needs_input_grad: symbolic zeros."""
    return _with_symbolic_zeros(hand) if _has_backward(hand) else _with_jvp(hand)


def _has_backward(hand: Hand) -> bool:
    return defines(hand.cls, "backward") or defines(hand.cls, "vjp")


def _primal(hand: Hand) -> Callable[..., Arrays]:
    return lambda *arrays: tuple(hand.run(_detach(arrays)).arrays)


def _with_vjp(hand: Hand) -> Callable[..., Arrays]:
    function = jax.custom_vjp(_primal(hand))

    def fwd(*arrays: jax.Array) -> tuple[Arrays, _Residuals]:
        outputs = function(*arrays)
        return outputs, _Residuals.of(_live(hand, arrays, outputs))

    def bwd(residuals: _Residuals, cotangents: Arrays) -> tuple[Any, ...]:
        return hand.pull(residuals.run(), cotangents)

    function.defvjp(fwd, bwd)
    return function


def _with_symbolic_zeros(hand: Hand) -> Callable[..., Arrays]:
    primal = _primal(hand)
    function = jax.custom_vjp(primal)

    def fwd(*primals: Any) -> tuple[Arrays, _Residuals]:
        arrays = tuple(p.value for p in primals)
        outputs = primal(*arrays)
        return outputs, _Residuals.of(_live(hand, arrays, outputs))

    def bwd(residuals: _Residuals, cotangents: Arrays) -> tuple[Any, ...]:
        run = residuals.run()
        zero = jax.custom_derivatives.SymbolicZero
        given = [
            jnp.zeros_like(a) if isinstance(c, zero) and is_inexact(a) else c
            for a, c in zip(run.arrays, cotangents, strict=True)
        ]
        return hand.pull(run, given)

    function.defvjp(fwd, bwd, symbolic_zeros=True)
    return function


def _with_jvp(hand: Hand) -> Callable[..., Arrays]:
    function = jax.custom_jvp(_primal(hand))

    @function.defjvp
    def rule(arrays: Arrays, tangents: Arrays) -> tuple[Arrays, tuple[Any, ...]]:
        outputs = function(*arrays)
        found = hand.push(_live(hand, arrays, outputs), tangents)
        return outputs, tuple(
            t if is_inexact(o) else np.zeros(o.shape, jax.dtypes.float0)
            for t, o in zip(found, outputs, strict=True)
        )

    return function


def _detach(arrays: Sequence[Any]) -> Arrays:
    return tuple(jax.lax.stop_gradient(a) for a in arrays)


def _live(hand: Hand, arrays: Arrays, outputs: Arrays) -> Run:
    """A run of forward whose kept values can be differentiated."""
    detached = _detach(arrays)
    run = hand.run(detached)
    pairs = [
        *zip(detached, arrays, strict=True),
        *zip(run.arrays, outputs, strict=True),
    ]
    leaves, treedef = jax.tree.flatten(run.kept)
    places = [next((live for a, live in pairs if a is leaf), None) for leaf in leaves]
    again = leaves
    if any(
        place is None and is_array(leaf) and is_inexact(leaf)
        for place, leaf in zip(places, leaves, strict=True)
    ):
        again = jax.tree.leaves(hand.run(arrays).kept)
    kept = jax.tree.unflatten(
        treedef,
        [b if a is None else a for a, b in zip(places, again, strict=True)],
    )
    return run._replace(output=None, arrays=list(outputs), kept=kept)


class _Static:
    """Compares by identity, so that anything can stand beside a pytree's leaves."""

    def __init__(self, value: Any) -> None:
        self.value = value


@jax.tree_util.register_pytree_node_class
class _Residuals:
    """A run as residuals: its arrays are leaves, the rest stands beside them."""

    def __init__(self, arrays: Sequence[Any], static: _Static) -> None:
        self.arrays = arrays
        self.static = static

    @classmethod
    def of(cls, run: Run) -> "_Residuals":
        slots, arrays = take_arrays((run.kept, run.arrays))
        return cls(arrays, _Static((slots, run._replace(kept=((), (), {}), arrays=[]))))

    def run(self) -> Run:
        slots, run = self.static.value
        kept, outputs = fill(slots, self.arrays)
        return run._replace(kept=kept, arrays=outputs)

    def tree_flatten(self) -> tuple[Sequence[Any], _Static]:
        return self.arrays, self.static

    @classmethod
    def tree_unflatten(cls, static: _Static, arrays: Sequence[Any]) -> "_Residuals":
        return cls(arrays, static)
