"""A loop whose body is traced once, for all rounds.

- `Rolled`: finds what the loop carries, with types that a round doesn't change, and
  makes a `lax.scan` or a `lax.while_loop` of it.
- `NeedsPython`: the loop can't be rolled, but perhaps unrolled.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from jaxgrad.errors import LoopGradientError, MaxStepsError
from jaxgrad.graph import Node
from jaxgrad.lower._bounded import counted
from jaxgrad.lower._while import while_loop
from jaxgrad.lower.script import _heap, _raising
from jaxgrad.lower.script._branch import before
from jaxgrad.lower.script._heap import Snapshot
from jaxgrad.lower.script._iterate import Iterator
from jaxgrad.lower.script._join import Join
from jaxgrad.lower.script._run import roots_of, run_block
from jaxgrad.lower.script._segment import GROWING, Segment
from jaxgrad.lower.script._stage import Raised, Staged, stage
from jaxgrad.lower.script._template import (
    Capture,
    Clashing,
    Const,
    Form,
    Leaf,
    Missing,
    New,
    Optional,
    build,
    extract,
)
from jaxgrad.lower.script._values import Clash, is_number, is_traced, truth

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Frame, Session

_ROUNDS = 12  # types settle in two or three
_WHATS = ("before the loop", "after a round of it")


class NeedsPython(Exception):
    """A loop has to be unrolled, as its body needs Python values."""


class Rolled:
    """One loop that is rolled."""

    def __init__(
        self, session: Session, frame: Frame, node: Node, iterator: Iterator | None
    ) -> None:
        from jaxgrad.lower.script._loop import names_of

        self.session, self.frame, self.node = session, frame, node
        self.iterator = iterator
        (self.body,) = node._blocks or ()
        self.names = names_of(node._outputs)
        self.arrays = [] if iterator is None else iterator.arrays()
        # What the loop carries: variables, and what objects hold that it changes.
        self.forms: list[Form] = []
        self.contents: dict[int, tuple[Any, New]] = {}
        self.grown: dict[int, Any] = {}
        self.avals: list[Any] = []

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
        roots = [*roots_of(session, self.frame, self.node), *carried]
        roots += [v for v in self.frame.items.values()]
        outside = Snapshot([*roots, *session.roots()]).objects
        first = Capture(outside, apart=True)
        initial = [
            Const(v) if n.startswith("$") and is_number(v) else first.of(v)
            for n, v in zip(self.names, carried, strict=True)
        ]
        staged = self._settle(initial, roots)
        session.place = place
        start: list[Any] = [None] * len(self.avals)
        for form, given in zip(self.forms, initial, strict=True):
            extract(form, given, first.leaves, start)
        for key, (obj, form) in self.contents.items():
            if key not in self.grown:
                extract(form, before(staged, obj), (), start)
        return self._finish(staged, trips, condition, carried, start)

    # --- types ------------------------------------------------------------------------

    def _settle(self, initial: Sequence[Form], roots: Sequence[Any]) -> Staged:
        """Trace the body until the types of what it carries don't change."""
        join = Join(lambda *_: Clash("", ""))
        self.forms = [join.again(form) for form in initial]
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
            values = [build(form, leaves, memo) for form in self.forms]
            for obj, form in self.contents.values():
                parts = [build(part, leaves, memo) for part in form.parts]
                _heap.fill(obj, form.static, parts)
            frame.env.update(zip(body._param._outputs, [i, *values], strict=True))
            if iterator is not None:
                frame.items[self.node._inputs[0].node()._outputs[0]] = iterator.item(
                    i, slices
                )
            again, *left = run_block(self.session, frame, body)
            return [truth(again), *left]

        avals = [jax.typeof(0), *[_element(a) for a in self.arrays], *self.avals]
        watch = [obj for obj, _ in self.contents.values()]
        with self.session.rolling(self.iterator is not None):
            return stage(self.session, roots, run, avals, watch)

    def _widen(self, staged: Staged) -> bool:
        """Make room for what a round leaves; whether there was room already."""
        join = Join(lambda *_: Clash("", ""), ("the loop may not run", "the loop"))
        _, *after = staged.results or [None, *[Missing(None)] * len(self.forms)]
        forms: list[Form] = []
        for i, (form, left) in enumerate(zip(self.forms, after, strict=True)):
            join._say = self._clash(i)
            found = join.of(form, left)  # type: ignore[arg-type]
            if isinstance(found, Clashing):
                raise self._shape_error(i, found.value)
            forms.append(found)
        contents = {}
        for key, (obj, left) in staged.contents.items():
            old = self.contents.get(key)
            held = before(staged, obj) if old is None else old[1]
            contents[key] = (obj, self._content(join, obj, held, left))
        pairs = [*zip(self.forms, forms, strict=True)]
        pairs += [
            (self.contents[k][1], f)
            for k, (_, f) in contents.items()
            if k in self.contents
        ]
        settled = contents.keys() == self.contents.keys() and all(
            _alike(a, b) for a, b in pairs
        )
        if not settled:
            self.forms, self.contents, self.avals = forms, contents, join.avals
        return settled

    def _content(self, join: Join, obj: Any, held: Form, left: New) -> New:
        assert isinstance(held, New)
        if isinstance(obj, list) and len(left.parts) > len(held.parts):
            return self._grow(obj, held, left)
        join._say = lambda a, b, remedy: Clash(
            f"what a {type(obj).__name__} holds is {a} before the loop but {b} after a "
            "round of it",
            remedy,
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

    def _grow(self, obj: list[Any], held: New, left: New) -> New:
        """A list that each round appends to; what it held is out of reach in a round."""
        if self.iterator is None or is_traced(self.iterator.length):
            raise self.session.error(
                "a list grows in a loop whose number of rounds is not known",
                "write into an array of a fixed size (zeros, then x[i] = value), or "
                "loop over a range that is known",
                self.node.source_range(),
            )
        sentinel = New(list, 1, (Const(GROWING),), id(obj))
        if id(obj) not in self.grown:
            self.grown[id(obj)] = (obj, list(obj))
        kept = left.parts[: len(held.parts)]
        if not all(_is_kept(a, b) for a, b in zip(held.parts, kept, strict=True)):
            raise NeedsPython(
                "a round of the loop changes elements of a list that grows"
            )
        return sentinel

    def _clash(self, i: int) -> Any:
        name = self.names[i]

        def say(first: str, second: str, remedy: str) -> Clash:
            what = "the result" if name.startswith("$") else repr(name)
            message = f"{what} is {first} {_WHATS[0]} but {second} {_WHATS[1]}"
            return Clash(message, remedy)

        return say

    def _shape_error(self, i: int, clash: Clash) -> Exception:
        changed = self.body.outputs()[i + 1].node().source_range()
        start = self.node._inputs[i + 2].node().source_range()
        also = [
            ("the value before the loop", start),
            ("the loop", self.node.source_range()),
        ]
        return self.session.error(
            clash.message, clash.remedy, changed or self.node.source_range(), also
        )

    # --- running ----------------------------------------------------------------------

    def _finish(
        self,
        staged: Staged,
        trips: Any,
        condition: Any,
        carried: Sequence[Any],
        start: list[Any],
    ) -> list[Any]:
        """Make the loop, and give its variables and objects their values."""
        after = staged.results[1:] if staged.results else [None] * len(self.forms)
        fixed = self._invariant(staged, after)
        moving = [k for k in range(len(self.avals)) if k not in fixed]
        again_form = staged.results[0] if staged.results else Const(False)
        contents = [
            (form, staged.contents[key][1])
            for key, (_, form) in self.contents.items()
            if key not in self.grown
        ]
        growing = [
            (obj, staged.contents[key][1])
            for key, (obj, form) in self.contents.items()
            if key in self.grown
        ]
        session = self.session
        code = self._code_form()

        def step(state: Sequence[Any], i: Any, slices: Sequence[Any]) -> Any:
            full = list(start)
            for k, value in zip(moving, state, strict=True):
                full[k] = value
            leaves = staged.replay(i, *slices, *full)
            into: list[Any] = list(full)
            for form, left in zip(self.forms, after, strict=True):
                if left is not None:
                    extract(form, left, leaves, into)
            for form, left in contents:
                extract(form, left, leaves, into)
            again = _again(again_form, leaves)
            if code is not None:
                again = jnp.logical_and(again, into[code] == 0)
            ys = [
                [leaves[leaf.index] for leaf in _leaves(left.parts[1:])]
                for _, left in growing
            ]
            return [into[k] for k in moving], again, ys

        ends = not (isinstance(again_form, Const) and again_form.value is True)
        initial = [start[k] for k in moving]
        if self.iterator is None or is_traced(trips):
            state = self._while(step, initial, trips, condition)
            ys: list[Any] = []
        elif ends or code is not None:
            if growing:
                raise NeedsPython("a list grows in a loop that may be left early")
            state, ys = self._counted(step, initial, trips), []
        else:
            state, ys = self._scan(step, initial, trips)
        full = list(start)
        for k, value in zip(moving, state, strict=True):
            full[k] = value
        memo: dict[int, Any] = {}
        for key, (obj, form) in self.contents.items():
            if key not in self.grown:
                parts = [build(part, full, memo) for part in form.parts]
                _heap.fill(obj, form.static, parts)
        for (obj, left), arrays in zip(growing, ys, strict=True):
            parts = left.parts[1:]
            forms, _ = _renumbered(parts)
            old = self.grown[id(obj)][1]
            obj[:] = [*old, Segment(tuple(forms), list(arrays), trips)]
        session.place = self.node.source_range()
        ran = condition is True and not (isinstance(trips, int) and trips == 0)
        ran = ran and not is_traced(trips)
        results = []
        for i, form in enumerate(self.forms):
            left = after[i]
            if (
                isinstance(form, Optional)
                and ran
                and not isinstance(left, Optional | Missing)
            ):
                form = form.form
            keep = isinstance(form, Leaf) and form.index in fixed
            results.append(carried[i] if keep else build(form, full, memo))
        if staged.results is None and condition is True and not is_traced(trips):
            raise Raised
        return results

    def _invariant(self, staged: Staged, after: Sequence[Any]) -> set[int]:
        """The numbers of the leaves that no round changes."""
        first = 1 + len(self.arrays)
        seen: dict[int, bool] = {}
        pairs = list(zip(self.forms, after, strict=True))
        pairs += [(f, staged.contents[k][1]) for k, (_, f) in self.contents.items()]
        while pairs:
            form, left = pairs.pop()
            if isinstance(form, Optional):
                pairs.append((form.form, getattr(left, "form", left)))
            elif isinstance(form, New) and isinstance(left, New):
                parts = left.parts
                if len(form.parts) == len(parts):
                    pairs += zip(form.parts, parts, strict=True)
            elif isinstance(form, Leaf):
                same = left is None or (
                    isinstance(left, Leaf)
                    and staged.outputs[left.index] is staged.inputs[first + form.index]
                )
                seen[form.index] = seen.get(form.index, True) and same
        return {k for k, same in seen.items() if same}

    def _code_form(self) -> int | None:
        """The number of the leaf that is the error code, if the loop carries it."""
        found = self.contents.get(id(self.session.errors))
        if found is None:
            return None
        form = found[1].parts[found[1].static.index("code")]
        return form.index if isinstance(form, Leaf) else None

    def _scan(self, step: Any, initial: list[Any], trips: Any) -> tuple[Any, list[Any]]:
        def body(carry: Any, slices: Any) -> Any:
            i, state = carry
            new, _, ys = step(state, i, slices if self.arrays else ())
            return (i + 1, new), ys

        xs, length = self._xs(trips)
        (_, state), ys = jax.lax.scan(body, (jnp.asarray(0), initial), xs, length)
        return state, ys

    def _xs(self, trips: Any) -> tuple[Any, Any]:
        if self.arrays:
            return self.arrays, trips
        # A symbolic length has to come from an array.
        return (None, trips) if isinstance(trips, int) else (jnp.arange(trips), None)

    def _counted(self, step: Any, initial: list[Any], trips: Any) -> Any:
        def body(carry: Any, slices: Any) -> Any:
            i, _, state = carry
            new, again, _ = step(state, i, slices if self.arrays else ())
            return (i + 1, jnp.asarray(again, bool), new), ()

        xs, length = self._xs(trips)
        start = (jnp.asarray(0), jnp.asarray(True), initial)
        (_, _, state), _ = counted(body, start, xs, length, lambda carry: carry[1])
        return state

    def _while(self, step: Any, initial: list[Any], trips: Any, first: Any) -> Any:
        from jaxgrad.lower.script._loop import FOREVER

        bounded = not (isinstance(trips, int) and trips == FOREVER)
        session, node = self.session, self.node
        loops = self.frame.loops
        options = loops[-1] if loops else session.options

        def more(carry: Any) -> Any:
            i, again, _ = carry
            return jnp.logical_and(i < trips, again) if bounded else again

        def body(carry: Any) -> Any:
            i, _, state = carry
            new, again, _ = step(state, i, [a[i] for a in self.arrays])
            return i + 1, jnp.asarray(again, bool), new

        if is_traced(session.errors.code) or session.errors.code:
            # After a failed check the values are anybody's, and so is their end.
            first = jnp.logical_and(truth(first), session.errors.code == 0)

        def refuse() -> Exception:
            word = "for" if bounded else "while"
            return session.error(
                f"the number of rounds of this {word} has no bound, so that it has no "
                "reverse-mode gradient",
                "say the most rounds: `with jaxgrad.loop(max_steps=...)` round it, or "
                "script(fn, max_steps=...); or loop over a range that is known; or use "
                "forward mode (jax.jvp)",
                node.source_range(),
                kind=LoopGradientError,
            )

        start = (
            jnp.asarray(0),
            truth(first) if is_traced(first) else jnp.asarray(bool(first)),
            initial,
        )
        (_, _, state), unfinished = while_loop(
            more,
            body,
            start,
            max_steps=options.max_steps,
            grad=options.grad,
            refuse=refuse,
        )
        if unfinished is not False:
            where = node.source_range()
            text = "" if where is None else f" at {where.text()}"
            message = f"the loop{text} was not done after max_steps={options.max_steps}"
            session.place = where
            _raising.record(session, unfinished, MaxStepsError(message))
        return state


def _again(form: Any, leaves: Sequence[Any]) -> Any:
    value = build(form, leaves, {})
    found = truth(value)
    return found if is_traced(found) else bool(found)


def _element(array: Any) -> Any:
    """The type of an element along the leading axis."""
    aval = jax.typeof(array)
    return aval.update(shape=aval.shape[1:])


def _alike(a: Form, b: Form) -> bool:
    """Whether two forms have the same arrays in the same places."""
    if isinstance(a, Leaf) and isinstance(b, Leaf):
        types = [(f.aval.shape, f.aval.dtype, f.aval.weak_type) for f in (a, b)]
        return types[0] == types[1]
    if isinstance(a, Optional) and isinstance(b, Optional):
        return _alike(a.form, b.form)
    if isinstance(a, New) and isinstance(b, New):
        same = a.cls is b.cls and a.static == b.static and len(a.parts) == len(b.parts)
        return same and all(map(_alike, a.parts, b.parts))
    if isinstance(a, Const) and isinstance(b, Const):
        return a.value is b.value or bool(a.value == b.value)
    return type(a) is type(b) and not isinstance(a, Leaf)


def _is_kept(a: Form, b: Form) -> bool:
    if isinstance(a, Const) and isinstance(b, Const | Leaf):
        return isinstance(b, Const) and a.value is b.value
    return type(a) is type(b)


def _leaves(forms: Sequence[Form]) -> list[Leaf]:
    """The leaves of forms, in the order of their numbers, each once."""
    from jaxgrad.lower.script._template import leaves_of

    found = {leaf.index: leaf for form in forms for leaf in leaves_of(form)}
    return [found[i] for i in sorted(found)]


def _renumbered(forms: Sequence[Form]) -> tuple[list[Form], list[int]]:
    """Forms whose leaves are numbered 0, 1, 2, ... in their order."""
    order = {leaf.index: k for k, leaf in enumerate(_leaves(forms))}

    def again(form: Form) -> Form:
        if isinstance(form, Leaf):
            return Leaf(order[form.index], form.aval)
        if isinstance(form, New):
            return New(form.cls, form.static, tuple(map(again, form.parts)), form.uid)
        if isinstance(form, Optional):
            return dataclasses.replace(form, form=again(form.form))
        return form

    return [again(form) for form in forms], list(order)
