"""A loop whose body is traced once, for all rounds.

- `Rolled`: finds what the loop carries, with types that a round doesn't change, and
  makes a `lax.scan` or a `lax.while_loop` of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax

from jaxgrad.graph import Node
from jaxgrad.lower.script import _heap
from jaxgrad.lower.script._branch import before, disagreement, named
from jaxgrad.lower.script._compare import alike
from jaxgrad.lower.script._forms import (
    Buffer,
    Clashing,
    Const,
    Form,
    Missing,
    New,
    Optional,
    Same,
)
from jaxgrad.lower.script._heap import Snapshot
from jaxgrad.lower.script._iterate import Iterator
from jaxgrad.lower.script._join import Join
from jaxgrad.lower.script._program import Origins
from jaxgrad.lower.script._run import names_of, roots_of, run_block
from jaxgrad.lower.script._running import Running
from jaxgrad.lower.script._segment import GROWING
from jaxgrad.lower.script._stage import Staged, stage
from jaxgrad.lower.script._template import Capture, build, extract, zeros
from jaxgrad.lower.script._values import (
    Clash,
    Maybe,
    NeedsPython,
    in_round,
    is_number,
    out_of_round,
    truth,
)

__all__ = ["NeedsPython", "Rolled"]

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Frame, Session

_ROUNDS = 12  # types settle in two or three
_WHATS = ("before the loop", "after a round of it")
_OTHER = (
    "let the loop change arrays alone: what else it binds has to be the same after "
    "every round"
)


class Rolled:
    """One loop that is rolled."""

    def __init__(
        self, session: Session, frame: Frame, node: Node, iterator: Iterator | None
    ) -> None:
        self.session, self.frame, self.node = session, frame, node
        self.iterator = iterator
        self.body = node.blocks()[0]
        self.names = names_of(node._outputs)
        # Which variables a round reads; the others it only leaves.
        self.reads = [bool(v.uses()) for v in self.body._param._outputs[1:]]
        self.arrays = [] if iterator is None else iterator.arrays()
        # What the loop carries: variables, and what objects hold that it changes.
        self.forms: list[Form] = []
        # Those of containers that are another object before the loop than in it.
        self.copies: frozenset[int] = frozenset()
        self.contents: dict[int, tuple[Any, New]] = {}
        self.grown: dict[int, list[Any]] = {}  # what they held before the loop
        self.avals: list[Any] = []
        self.inputs = 0  # so many of them, the first ones, a round is given
        self._initial: list[Form] = []

    def run(self, trips: Any, condition: Any, carried: Sequence[Any]) -> list[Any]:
        """Run the loop.

        Args:
            trips: how many rounds at most.
            condition: whether there is a first one.
            carried: the variables before it.

        Returns:
            The variables after it.
        """
        session = self.session
        place = session.place
        outer, carried = carried, list(map(in_round, carried))
        roots = [*roots_of(session, self.frame, self.node), *carried]
        roots += self.frame.items.values()
        outside = Snapshot([*roots, *session.roots()]).objects
        first = Capture(outside, apart=True)
        initial = [
            Const(v) if n.startswith("$") and is_number(v) else first.of(v)
            for n, v in zip(self.names, carried, strict=True)
        ]
        self._initial = initial
        staged = self._settle(initial, roots)
        session.place = place
        start: list[Any] = [None] * len(self.avals)
        for i in self._which(True):
            extract(self.forms[i], initial[i], first.leaves, start)
        for key, (obj, form) in self.contents.items():
            if key not in self.grown:
                extract(form, before(staged, obj), (), start)
        for i in self._which(False):
            extract(self.forms[i], initial[i], first.leaves, start)
        pairs = zip(start, self.avals, strict=True)
        start = [zeros(aval) if value is None else value for value, aval in pairs]
        found = Running(self, staged, trips, start).run(condition, carried)
        return [
            dataclasses.replace(before_, value=after)
            if before_ is not head and not isinstance(after, Maybe)
            else after
            for before_, head, after in zip(outer, carried, found, strict=True)
        ]

    # --- types ------------------------------------------------------------------------

    def _which(self, reads: bool) -> list[int]:
        """The numbers of the variables that a round reads, or of the others."""
        return [i for i, each in enumerate(self.reads) if each is reads]

    def _settle(self, initial: Sequence[Form], roots: Sequence[Any]) -> Staged:
        """Trace the body until the types of what it carries don't change."""
        join = Join(lambda *_: Clash("", ""))
        found = {i: join.again(initial[i]) for i in self._which(True)}
        self.inputs = len(join.avals)
        found |= {i: join.again(initial[i]) for i in self._which(False)}
        self.forms = [found[i] for i in range(len(initial))]
        self.avals = join.avals
        for _ in range(_ROUNDS):
            staged = self._trace(roots)
            if self._widen(staged):
                return staged
        raise self.session.error(
            "the types of the loop's variables do not settle",
            "give them the types before the loop that they have after a round",
            self.node.source_range(),
        )

    def _trace(self, roots: Sequence[Any]) -> Staged:
        frame, body, iterator = self.frame, self.body, self.iterator
        count = len(self.arrays)

        def run(i: Any, *operands: Any) -> list[Any]:
            slices, leaves = operands[:count], operands[count:]
            memo: dict[int, Any] = {}
            pairs = zip(self.forms, self.reads, strict=True)
            values = [build(f, leaves, memo) if read else None for f, read in pairs]
            for obj, form in self.contents.values():
                parts = [build(part, leaves, memo) for part in form.parts]
                _heap.fill(obj, form.static, parts)
            frame.env.update(zip(body._param._outputs, [i, *values], strict=True))
            if iterator is not None:
                frame.items[self.node._inputs[0].node()._outputs[0]] = iterator.item(
                    i, slices
                )
            heads = [memo[uid] for uid in self.copies if uid in memo]
            held = [_heap.parts_of(head) for head in heads]
            again, *left = run_block(self.session, frame, body)
            for head, before_ in zip(heads, held, strict=True):
                self._check_head(head, before_)
            return [truth(again), *map(out_of_round, left)]

        avals = [jax.typeof(0), *[_element(a) for a in self.arrays]]
        avals += self.avals[: self.inputs]
        watch = [obj for obj, _ in self.contents.values()]
        known = iterator is not None and isinstance(iterator.length, int)
        with self.session.rolling(known):
            return stage(self.session, roots, run, avals, watch)

    @property
    def rebound(self) -> list[int]:
        """The variables that name a container from outside, and new ones later."""
        pairs = zip(self._initial, self.forms, strict=True)
        return [
            i
            for i, (first, form) in enumerate(pairs)
            if isinstance(first, Same) and isinstance(form, New)
        ]

    def _check_head(self, head: Any, held: Any) -> None:
        now = _heap.parts_of(head)
        assert now is not None
        same = now[0] == held[0] and len(now[1]) == len(held[1])
        if not same or any(a is not b for a, b in zip(now[1], held[1], strict=True)):
            kind = type(head).__name__
            raise self.session.error(
                f"a {kind} is changed in place in a loop that also binds its name to "
                f"another {kind}",
                "copy it before the loop, or only bind the name anew",
                self.node.source_range(),
            )

    def _widen(self, staged: Staged) -> bool:
        """Make room for what a round leaves; whether there was room already."""
        place = self.node.source_range()
        where = "" if place is None else f" (line {place.line})"
        why = (f"the loop{where} may not run", "the loop")
        join = Join(lambda *_: Clash("", ""), why)
        join.contents, join.copied = ({}, staged.contents), self.copies
        _, *after = staged.results or [None, *[Missing(None)] * len(self.forms)]
        found: dict[int, Form] = {}

        def add(which: Sequence[int]) -> None:
            for i in which:
                join._say = self._clash(i)
                left = after[i]
                assert left is not None
                form = join.of(self._head(i), _next(left))
                if isinstance(form, Clashing):
                    raise self._shape_error(i, form.value)
                found[i] = form

        # First what a round reads, whose numbers are those of the operands.
        join.fills = False  # a round may change one variable and not the other
        add(self._which(True))
        contents = {}
        # In one order in all rounds, so that the numbers of the arrays settle.
        for key in dict.fromkeys([*self.contents, *staged.contents]):
            obj, left = staged.contents[key]
            old = self.contents.get(key)
            held = before(staged, obj) if old is None else old[1]
            contents[key] = (obj, self._content(join, obj, held, left, staged))
        inputs, join.fills = len(join.avals), True
        add(self._which(False))
        settled = self._is_settled(found, contents)
        self.forms = [found[i] for i in range(len(found))]
        self.contents, self.avals, self.inputs = contents, join.avals, inputs
        self.copies |= join.copies
        return settled

    def _head(self, i: int) -> Form:
        """A variable at the head of a round."""
        lacking = isinstance(self._initial[i], Missing) and not self.reads[i]
        return self._initial[i] if lacking else self.forms[i]

    def _is_settled(self, found: Any, contents: Any) -> bool:
        pairs = [(self.forms[i], found[i]) for i in self._which(True)]
        same = contents.keys() == self.contents.keys()
        if same:
            pairs += [(self.contents[k][1], f) for k, (_, f) in contents.items()]
        return same and all(alike(a, b) for a, b in pairs)

    def _content(
        self, join: Join, obj: Any, held: Form, left: New, staged: Staged
    ) -> New:
        assert isinstance(held, New)
        if type(obj) is list and _grows(held, left):
            return self._grow(obj, held, left, staged)
        join._say = lambda a, b, remedy, path: Clash(
            disagreement(obj, path, (a, b), _WHATS), _in_loop(remedy)
        )
        found = join.of(held, left)
        if isinstance(found, Clashing):
            clash = found.value
            place = self.node.source_range()
            raise self.session.error(clash.message, clash.remedy, place)
        assert isinstance(found, New)
        for part in found.parts:
            if isinstance(part, Clashing):
                clash = part.value
                place = self.node.source_range()
                raise self.session.error(clash.message, clash.remedy, place)
        return found

    def _grow(self, obj: list[Any], held: New, left: New, staged: Staged) -> New:
        """A list that each round appends to; what it held is out of reach there."""
        sentinel = New(list, 1, (Const(GROWING),), id(obj))
        if id(obj) not in self.grown:
            self.grown[id(obj)] = list(obj)
        again = getattr(left.parts[0], "value", None) is GROWING
        if not again and staged.kept[id(obj)] < len(held.parts):
            raise self.session.needs_python(
                "a round of the loop changes elements of a list that grows",
                "a round of this loop changes elements of a list that grows in it",
                "write into an array of a fixed size (zeros, then x[i] = value)",
            )
        return sentinel

    def _clash(self, i: int) -> Any:
        name = self.names[i]

        def say(first: str, second: str, remedy: str, path: str) -> Clash:
            what = named(name, path)
            message = f"{what} is {first} {_WHATS[0]} but {second} {_WHATS[1]}"
            return Clash(message, _in_loop(remedy))

        return say

    def _shape_error(self, i: int, clash: Clash) -> Exception:
        nowhere = (None,) * len(self.names)
        origins = self.frame.program.origins.get(self.node, Origins((nowhere, nowhere)))
        start, changed = [places[i] for places in origins.places]
        also = [
            ("the value before the loop", start),
            ("the loop", self.node.source_range()),
        ]
        own = next((place for _, place in clash.places if place is not None), None)
        place = own or changed or self.node.source_range()
        return self.session.error(clash.message, clash.remedy, place, also)


def _next(left: Form) -> Form:
    """What a round hands to the next one, which there is none of after a return."""
    if isinstance(left, Optional) and left.exits == 2:
        return left.form
    lacking = left.value if isinstance(left, Missing) else None
    return Missing(None) if lacking is not None and lacking.exits == 2 else left


def _grows(held: New, left: New) -> bool:
    """Whether a list got longer in a round, or may have."""
    opened = any(isinstance(p, New) and p.cls is Buffer for p in left.parts)
    growing = bool(held.parts) and getattr(held.parts[0], "value", None) is GROWING
    return len(left.parts) > len(held.parts) or (opened and growing)


def _in_loop(remedy: str) -> str:
    """A way out for two paths as one for a loop."""
    if not remedy.startswith("give it") and " instead of None" not in remedy:
        return _OTHER
    return remedy.replace("on both paths", "before the loop and after every round")


def _element(array: Any) -> Any:
    """The type of an element along the leading axis."""
    aval = jax.typeof(array)
    return aval.update(shape=aval.shape[1:])
