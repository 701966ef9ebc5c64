"""The arrays that two paths leave as those of one: handed on, selected, or by a `cond`.

- `pick`: chooses, for each array, the cheapest of these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax

from jaxgrad import _compat
from jaxgrad.lower.script._cheap import is_cheap
from jaxgrad.lower.script._template import INSIDE, zeros

if TYPE_CHECKING:
    from jaxgrad.lower.script._stage import Staged

# Puts the arrays that a path leaves into a list; what it has no value for stays None.
Fill = Callable[[Sequence[Any], list[Any]], None]


def pick(
    condition: Any, sides: Sequence[Staged], fills: Sequence[Fill], avals: Sequence[Any]
) -> list[Any]:
    """The arrays after a choice.

    Args:
        condition: a traced bool without dimensions.
        sides: the two paths.
        fills: for each, what sorts the arrays that it leaves.
        avals: the types of the arrays.

    Returns:
        As many arrays.
    """
    if all(is_cheap(side.jaxpr) for side in sides):
        leaves = [side.replay() for side in sides]
        rows = [_row(x, f, avals) for x, f in zip(leaves, fills, strict=True)]
        pairs = zip(*rows, avals, strict=True)
        return [_selected(condition, a, b, aval) for a, b, aval in pairs]
    leaves = [_at_hand(side) for side in sides]
    rows = [_row(x, f, avals) for x, f in zip(leaves, fills, strict=True)]
    found = [_same(a, b) for a, b in zip(*rows, strict=True)]
    rest = [k for k, value in enumerate(found) if value is INSIDE]

    def way(i: int) -> Callable[[], list[Any]]:
        def run() -> list[Any]:
            row = _row(sides[i].replay(), fills[i], avals)
            return [zeros(avals[k]) if row[k] is None else row[k] for k in rest]

        return run

    if rest or any(side.jaxpr.effects for side in sides):
        chosen = jax.lax.cond(condition, way(0), way(1))
        for k, value in zip(rest, chosen, strict=True):
            found[k] = value
    pairs = zip(found, avals, strict=True)
    return [zeros(aval) if value is None else value for value, aval in pairs]


def _row(leaves: Sequence[Any], fill: Fill, avals: Sequence[Any]) -> list[Any]:
    into: list[Any] = [None] * len(avals)
    fill(leaves, into)
    return into


def _selected(condition: Any, a: Any, b: Any, aval: Any) -> Any:
    if a is None and b is None:
        return zeros(aval)
    if a is None or b is None or a is b:
        return b if a is None else a
    return jax.lax.select_n(condition, b, a)


def _same(a: Any, b: Any) -> Any:
    """What needs no choice; `INSIDE` if one has to be made."""
    if a is None or b is None or a is b:
        return b if a is None else a
    return INSIDE


def _at_hand(side: Staged) -> list[Any]:
    """The arrays that a path leaves: what it only hands on from outside."""
    plain, consts = _compat.plain_jaxpr(side.jaxpr)
    outer = dict(zip(plain.constvars, consts, strict=True))
    return [
        INSIDE if isinstance(v, _compat.Literal) else outer.get(v, INSIDE)
        for v in plain.outvars
    ]
