"""`while` loops that keep a few carries only, by Equinox.

Equinox chooses online which carries to keep, about the square root of the number of
steps, and runs the steps between them again. Its rule is reverse mode only; here it is
one of the two rules of a dual loop, so that forward mode works too.
"""

import functools
import importlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad.errors import MissingExtraError
from jaxgrad.lower._closed_loop import Closed, closed
from jaxgrad.lower._dual_loop import dual

Arrays = Sequence[Any]


def checkpointed(
    cond: Callable[..., Any],
    body: Callable[..., Arrays],
    init: Arrays,
    max_steps: int,
) -> tuple[list[Any], Any]:
    """A `while` of at most `max_steps` steps, whose gradient keeps a few carries.

    Args:
        cond: of the leaves of the carry, to a bool.
        body: of the leaves, to as many of the same types.
        init: the leaves before the first step.
        max_steps: at least 1.

    Returns:
        The leaves at the end, and whether `cond` still holds.

    Raises:
        MissingExtraError: Equinox is not installed.
    """
    try:
        internal = importlib.import_module("equinox.internal")
    except ImportError as error:
        raise MissingExtraError(
            "grad='checkpointed' needs the package equinox: pip install equinox"
        ) from error
    final = list(init)
    loop, consts = closed(cond, body, final, max_steps, "checkpointed")
    run = functools.partial(
        internal.while_loop, kind="checkpointed", max_steps=max_steps
    )
    carried = dual(Checkpointed(loop, run), [*consts, *[init[i] for i in loop.free]])
    for i, value in zip(loop.free, carried, strict=True):
        final[i] = value
    return final, jnp.asarray(cond(*final))


class Checkpointed:
    """The strategy; `_dual_loop.Loop` says what its methods are."""

    def __init__(self, loop: Closed, run: Callable[..., Any]) -> None:
        self.loop = loop
        self.name = loop.name
        self.run = loop.run
        self.moves = loop.moves
        self._run = run

    def record(
        self, operands: Arrays, flags: Sequence[bool]
    ) -> tuple[list[Any], list[Any], Callable[[Arrays, Arrays], list[Any]]]:
        """Runs Equinox's loop and keeps what its pullback holds."""
        moving = [i for i, flag in enumerate(flags) if flag]
        moved = self.moves(flags)

        def part(*values: Any) -> Any:
            full = list(operands)
            for i, value in zip(moving, values, strict=True):
                full[i] = value
            consts, init = full[: self.loop.count], full[self.loop.count :]
            final = self._run(
                functools.partial(self.loop.holds, consts),
                functools.partial(self.loop.step, consts),
                init,
            )
            pairs = list(zip(final, moved, strict=True))
            return [x for x, m in pairs if m], [x for x, m in pairs if not m]

        at = [operands[i] for i in moving]
        live, pull, rest = jax.vjp(part, *at, has_aux=True)
        given, others = iter(live), iter(rest)
        final = [next(given) if m else next(others) for m in moved]
        kept, treedef = jax.tree.flatten(pull)

        def back(kept: Arrays, cotangents: Arrays) -> list[Any]:
            return list(jax.tree.unflatten(treedef, kept)(list(cotangents)))

        return final, kept, back
