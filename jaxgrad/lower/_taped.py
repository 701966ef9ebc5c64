"""`while` loops whose carries are written down: the cheapest gradient, once.

Forward, the loop writes what each step started from into buffers of `max_steps` rows:
only those parts of the carry that the derivative of a step depends on. Backward, the
steps that were taken are run again one by one, last first, and pulled back.

Under `vmap` the loop runs as long as any example goes on. Where each example ended is
part of what is kept; after its end its carry and its cotangents stay as they are.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import _compat
from jaxgrad.function._axes import zeros
from jaxgrad.lower._closed_loop import Closed, closed
from jaxgrad.lower._dual_loop import dual
from jaxgrad.lower._loop_gradient import any_lane, keep

Arrays = Sequence[Any]


def taped(
    cond: Callable[..., Any],
    body: Callable[..., Arrays],
    init: Arrays,
    max_steps: int,
) -> tuple[list[Any], Any]:
    """A `while` of at most `max_steps` steps, whose gradient replays them backwards.

    Args:
        cond: of the leaves of the carry, to a bool.
        body: of the leaves, to as many of the same types.
        init: the leaves before the first step.
        max_steps: at least 1.

    Returns:
        The leaves at the end, and whether `cond` still holds.
    """
    init = list(init)
    loop, consts = closed(cond, body, init, max_steps, "taped")
    carried = dual(Taped(loop), [*consts, *[init[i] for i in loop.free]])
    final = list(init)
    for i, value in zip(loop.free, carried, strict=True):
        final[i] = value
    return final, jnp.asarray(cond(*final))


class Taped:
    """The strategy; `_dual_loop.Loop` says what its methods are."""

    def __init__(self, loop: Closed) -> None:
        self.loop = loop
        self.name = loop.name
        self.run = loop.run
        self.moves = loop.moves

    def record(
        self, operands: Arrays, flags: Sequence[bool]
    ) -> tuple[list[Any], list[Any], Callable[[Arrays, Arrays], list[Any]]]:
        """Runs the loop and writes down what its pullback needs."""
        loop = self.loop
        consts, init = operands[: loop.count], list(operands[loop.count :])
        moved = [i for i, m in enumerate(self.moves(flags)) if m]
        moving = [i for i in range(loop.count) if flags[i]]
        pull, used = self._pullback(consts, init, moving, moved)
        taped = [i for i in range(len(init)) if used[loop.count + i]]
        kept_consts = [c for c, u in zip(consts, used, strict=False) if u]
        final, tape, steps, total = self._write(consts, init, taped)
        kept = [steps, total, *kept_consts, *tape]
        avals = [_compat.tangent_aval(jax.typeof(consts[i])) for i in moving]
        wanted = [moved.index(i) for i in range(len(init)) if flags[loop.count + i]]
        needed = used[loop.count + len(init) :]

        def back(kept: Arrays, cotangents: Arrays) -> list[Any]:
            sums = list(map(zeros, avals))
            found, pulled = _replay(
                pull, kept, len(kept_consts), needed, cotangents, sums
            )
            return [*found, *[pulled[i] for i in wanted]]

        return final, kept, back

    def _pullback(
        self, consts: Arrays, init: Arrays, moving: Sequence[int], moved: Sequence[int]
    ) -> tuple[Callable[..., list[Any]], list[bool]]:
        """The pullback of one step.

        Its operands are the constants, what is carried, and the cotangents of `moved`;
        its results the cotangents of `moving`, and of `moved` before the step.

        Returns:
            A function of the operands that it needs, and which of them these are.
        """
        loop, first = self.loop, len(consts) + len(init)

        def pull(*operands: Any) -> list[Any]:
            def part(own: Any, carried: Any) -> list[Any]:
                full, leaves = (
                    list(operands[: loop.count]),
                    list(operands[loop.count :]),
                )
                for i, value in zip(moving, own, strict=True):
                    full[i] = value
                for i, value in zip(moved, carried, strict=True):
                    leaves[i] = value
                new = loop.step(full, leaves[: len(init)])
                return [new[i] for i in moved]

            own = [operands[i] for i in moving]
            carried = [operands[loop.count + i] for i in moved]
            pulled = jax.vjp(part, own, carried)[1](list(operands[first:]))
            return [*pulled[0], *pulled[1]]

        cotangents = [zeros(_compat.tangent_aval(jax.typeof(init[i]))) for i in moved]
        return _compat.pruned(pull, [*consts, *init, *cotangents])

    def _write(
        self, consts: Arrays, init: Arrays, taped: Sequence[int]
    ) -> tuple[list[Any], list[Any], Any, Any]:
        """The loop, with a buffer for each of `taped`.

        Returns:
            What is carried at the end, the buffers, how many steps each example took,
            and how many the longest.
        """
        loop = self.loop

        def test(state: Any) -> Any:
            return any_lane(state[1])

        def step(state: Any) -> Any:
            count, going, steps, carried, tape = state
            tape = [
                jax.lax.dynamic_update_index_in_dim(rows, carried[i], count, 0)
                for i, rows in zip(taped, tape, strict=True)
            ]
            carried = keep(going, loop.step(consts, carried), carried)
            (steps,) = keep(going, [count + 1], [steps])
            more = (count + 1 < loop.max_steps) & loop.holds(consts, carried)
            return count + 1, more, steps, carried, tape

        buffers = [_rows(init[i], loop.max_steps) for i in taped]
        start = jnp.int32(0)
        state = (start, loop.holds(consts, init), start, list(init), buffers)
        total, _, steps, final, tape = jax.lax.while_loop(test, step, state)
        return final, tape, steps, total


def _replay(
    pull: Callable[..., list[Any]],
    kept: Arrays,
    count: int,
    needed: Sequence[bool],
    cotangents: Arrays,
    sums: list[Any],
) -> tuple[list[Any], list[Any]]:
    """The steps pulled back, last first.

    Returns:
        The sums of what flowed to the constants, and the cotangents before the loop.
    """
    steps, total, *rest = kept
    consts, tape = rest[:count], rest[count:]

    def test(state: Any) -> Any:
        return state[0] > 0

    def step(state: Any) -> Any:
        index, sums, cotangents = state
        index = index - 1
        rows = [jax.lax.dynamic_index_in_dim(t, index, 0, keepdims=False) for t in tape]
        used = [c for c, need in zip(cotangents, needed, strict=True) if need]
        pulled = pull(*consts, *rows, *used)
        added = [s + p for s, p in zip(sums, pulled, strict=False)]
        going = index < steps
        sums = keep(going, added, sums)
        return index, sums, keep(going, pulled[len(sums) :], cotangents)

    state = (total, sums, list(cotangents))
    _, sums, cotangents = jax.lax.while_loop(test, step, state)
    return sums, cotangents


def _rows(value: Any, count: int) -> Any:
    """A buffer for `count` values like `value`, on the devices where that one is."""
    return jnp.broadcast_to(value[None], (count, *value.shape))
