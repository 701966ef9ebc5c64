"""`while` loops with and without a reverse-mode gradient.

`while_loop` is what every traced `while` becomes. Without a bound on the steps it is
JAX's own loop, whose reverse-mode gradient is an error that the caller words. With one,
`grad` says how the gradient is computed:

- "bounded": nested scans; every derivative, of any order.
- "taped": the carries are written down and the steps replayed backwards.
- "checkpointed": Equinox's loop, which keeps a few carries only.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import _compat
from jaxgrad.errors import ArgumentError
from jaxgrad.lower._bounded import bounded
from jaxgrad.lower._checkpointed import checkpointed
from jaxgrad.lower._loop_gradient import guard, guard_shared
from jaxgrad.lower._taped import taped


def while_loop(
    cond: Callable[[Any], Any],
    body: Callable[[Any], Any],
    init: Any,
    *,
    max_steps: int | None = None,
    grad: str | None = None,
    refuse: Callable[[], Exception] | None = None,
    scope: str | None = None,
) -> tuple[Any, Any]:
    """Runs `body` while `cond` holds.

    Args:
        cond: of the carry, to a bool scalar.
        body: of the carry, to a carry of equal structure and types.
        init: the carry before the first step, a pytree of arrays. Both functions may
            close over traced values.
        max_steps: the most steps to take, or None for any number.
        grad: "bounded", "taped" or "checkpointed" where `max_steps` is given; None is
            "bounded".
        refuse: makes the error for the reverse-mode gradient of a loop without
            `max_steps`; None leaves JAX its own.
        scope: a name for the operations of the loop in profiles and HLO.

    Returns:
        The carry at the end; and whether `cond` still holds there, which is False
        without `max_steps` and else a bool array.

    Raises:
        ArgumentError: there is no such strategy.
        MissingExtraError: "checkpointed" needs Equinox.

    Example:
        >>> import jax
        >>> def doubled(x):
        ...     out, _ = while_loop(lambda x: x < 9, lambda x: 2 * x, x, max_steps=8)
        ...     return out
        >>> value, slope = jax.value_and_grad(doubled)(1.5)
        >>> float(value), float(slope)
        (12.0, 8.0)
    """
    strategy = _strategy(grad)
    leaves, treedef = jax.tree.flatten(init)
    solid = [i for i, x in enumerate(leaves) if not _is_nothing(x)]

    def whole(values: Sequence[Any]) -> Any:
        full = list(leaves)
        for i, value in zip(solid, values, strict=True):
            full[i] = value
        return jax.tree.unflatten(treedef, full)

    def test(*values: Any) -> Any:
        return cond(whole(values))

    def step(*values: Any) -> list[Any]:
        new = jax.tree.leaves(body(whole(values)))
        return [new[i] for i in solid]

    named = contextlib.nullcontext() if scope is None else jax.named_scope(scope)
    with named:
        start = [leaves[i] for i in solid]
        if max_steps is None:
            return whole(_unbounded(test, step, start, refuse)), False
        start = [jnp.asarray(x) for x in start]
        if max_steps <= 0:
            return init, jnp.asarray(cond(init))
        if not _compat.outside_meshes():
            step = _guarded(test, step, start)
        final, unfinished = strategy(test, step, start, max_steps)
        return whole(final), unfinished


def _is_nothing(leaf: Any) -> bool:
    """Whether a leaf is the tangent of an integer, which no loop can carry."""
    return getattr(leaf, "dtype", None) == jax.dtypes.float0


def _guarded(
    cond: Callable[..., Any], body: Callable[..., list[Any]], init: list[Any]
) -> Callable[..., list[Any]]:
    """`body`, with what it closes over guarded against sums over devices."""
    found = _compat.hoisted(body, init)
    predicate = _compat.hoisted(cond, init).avals[0]
    consts = guard_shared(predicate, found.consts)
    return lambda *xs: found.run(consts, xs)


def _unbounded(
    cond: Callable[..., Any],
    body: Callable[..., list[Any]],
    init: list[Any],
    refuse: Callable[[], Exception] | None,
) -> list[Any]:
    final = jax.lax.while_loop(lambda xs: cond(*xs), lambda xs: body(*xs), init)
    return final if refuse is None else guard(final, refuse)


def _strategy(name: str | None) -> Callable[..., tuple[list[Any], Any]]:
    found = {None: bounded, "bounded": bounded, "taped": taped}
    found["checkpointed"] = checkpointed
    if name not in found:
        raise ArgumentError(
            f"there is no loop gradient called {name!r}.\n"
            "  Expected grad to be one of 'bounded' (every derivative), 'taped' (the "
            "fastest) and 'checkpointed' (the least memory)."
        )
    return found[name]
