"""Regions: parts of a program that are traced on their own.

- `Raised`: what ends a region in which an exception is raised for sure.
- `stage`: trace a region; `Staged` says what it leaves, and `replay` runs it again.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax

from jaxgrad import _compat
from jaxgrad.lower.script._forms import Form, New
from jaxgrad.lower.script._heap import Snapshot
from jaxgrad.lower.script._template import Capture

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Session


class Raised(BaseException):
    """An exception is raised on this path, whose code is in the session's `errors`."""


@dataclasses.dataclass(frozen=True, eq=False)
class Staged:
    """A region that was traced.

    Attributes:
        jaxpr: it, closed; its outputs are `leaves`.
        results: the forms of what it returned; None if it raised for sure.
        contents: the objects that it changed, with the form of what they hold.
        snapshot: the objects that it could reach, as they were.
        inputs: the tracers that stood for its operands.
        outputs: the tracers that it returned.
        kept: for each list that it changed, how many first elements are the old ones.
    """

    jaxpr: Any
    results: list[Form] | None
    contents: dict[int, tuple[Any, New]]
    snapshot: Snapshot
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    kept: dict[int, int]

    def replay(self, *operands: Any) -> Sequence[Any]:
        """The arrays that it leaves, for other operands."""
        return _compat.jaxpr_as_fun(self.jaxpr)(*operands)


def _kept(before: Sequence[Any], now: Sequence[Any]) -> int:
    pairs = zip(before, now, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] is pair[1], pairs))


def stage(
    session: Session,
    roots: Sequence[Any],
    run: Callable[..., Sequence[Any]],
    avals: Sequence[Any] = (),
    watch: Sequence[Any] = (),
) -> Staged:
    """Trace a region; the objects that it can reach are as before, afterwards.

    Args:
        session: the session; its errors can be reached by every region.
        roots: what leads to the objects that the region can reach.
        run: the region, a function of arrays.
        avals: the types of these arrays.
        watch: objects whose content is wanted even if it was not changed.

    Returns:
        What it leaves.
    """
    found: list[Any] = []

    def flat(*operands: Any) -> list[Any]:
        snapshot = Snapshot([*roots, *session.roots(), *watch])
        session.enter(snapshot)
        try:
            try:
                results: Sequence[Any] | None = run(*operands)
            except Raised:
                results = None
            changed = snapshot.changed()
            capture = Capture(snapshot.objects)
            forms = None if results is None else [capture.of(r) for r in results]
            seen = {id(o) for o in changed}
            objects = [*changed, *(o for o in watch if id(o) not in seen)]
            contents = {id(o): (o, capture.content(o)) for o in objects}
            lists = [o for o in objects if type(o) is list]
            kept = {id(o): _kept(snapshot.before(o)[1], o) for o in lists}
        finally:
            snapshot.restore()
            session.leave()
        found[:] = [forms, contents, snapshot, operands, capture.leaves, kept]
        return capture.leaves

    specs = [
        jax.ShapeDtypeStruct(a.shape, a.dtype, weak_type=a.weak_type) for a in avals
    ]
    jaxpr = jax.make_jaxpr(flat)(*specs)
    return Staged(jaxpr, *found)
