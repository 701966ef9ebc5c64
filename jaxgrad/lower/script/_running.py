"""A rolled loop, once it is known what it carries: as `lax.scan` or `lax.while_loop`.

- `Running`: makes the loop, and gives its variables and objects their values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from jaxgrad.errors import LoopGradientError, MaxStepsError
from jaxgrad.lower._bounded import counted
from jaxgrad.lower._while import while_loop
from jaxgrad.lower.script import _heap, _raising
from jaxgrad.lower.script._compare import leaves_in, renumbered
from jaxgrad.lower.script._condition import condition_of
from jaxgrad.lower.script._forms import Const, Form, Leaf, Missing, New, Optional
from jaxgrad.lower.script._grown import Grown
from jaxgrad.lower.script._segment import Segment
from jaxgrad.lower.script._stage import Raised, Staged
from jaxgrad.lower.script._template import build, extract
from jaxgrad.lower.script._values import is_traced, truth

if TYPE_CHECKING:
    from jaxgrad.lower.script._rolled import Rolled


FOREVER = 2**63 - 1  # the trip count of a `while`


class Running:
    """A loop whose body is traced."""

    def __init__(
        self, rolled: Rolled, staged: Staged, trips: Any, start: list[Any]
    ) -> None:
        self.rolled, self.staged, self.trips, self.start = rolled, staged, trips, start
        self.session, self.node = rolled.session, rolled.node
        results = staged.results
        self.again: Form = Const(False) if results is None else results[0]
        nothing: list[Any] = [None] * len(rolled.forms)
        self.after = nothing if results is None else results[1:]
        self.contents = [
            (obj, form, staged.contents[key][1])
            for key, (obj, form) in rolled.contents.items()
            if key not in rolled.grown
        ]
        self.fixed = self._invariant()
        self.moving = [k for k in range(len(start)) if k not in self.fixed]
        self.code = self._code()
        ends = not (isinstance(self.again, Const) and self.again.value is True)
        unknown = rolled.iterator is None or is_traced(trips)
        self.grown = [
            Grown(obj, staged.contents[key][1].parts[1:], rolled.grown[key])
            for key, (obj, _) in rolled.contents.items()
            if key in rolled.grown
        ]
        self.kind = "while" if unknown else "scan"
        if not unknown and ends:
            self.kind = "counted"
        loops = rolled.frame.loops
        self.options = loops[-1] if loops else self.session.options
        # Lists get a buffer where it isn't plain how many elements they get.
        self.buffered = self.kind != "scan" or any(g.open for g in self.grown)

    def run(self, condition: Any, carried: Sequence[Any]) -> list[Any]:
        """Run the loop.

        Args:
            condition: whether there is a first round.
            carried: the variables before it.

        Returns:
            The variables after it.

        Raises:
            Raised: it raises for sure.
        """
        buffers = self._buffers() if self.buffered else []
        initial = ([self.start[k] for k in self.moving], buffers)
        run = {"while": self._while, "counted": self._counted, "scan": self._scan}
        (state, buffers), ys = run[self.kind](initial, condition)
        full = self._full(state)
        memo: dict[int, Any] = {}
        for obj, form, _ in self.contents:
            parts = [build(part, full, memo) for part in form.parts]
            _heap.fill(obj, form.static, parts)
        if self.buffered:
            for grown, buffer in zip(self.grown, buffers, strict=True):
                grown.finish(buffer)
        else:
            for grown, arrays in zip(self.grown, ys, strict=True):
                forms = tuple(renumbered(grown.parts))
                segment = Segment(forms, list(arrays), self.trips)
                grown.obj[:] = [*grown.old, segment]
        self.session.place = self.node.source_range()
        return self._results(full, memo, condition, carried)

    def _results(
        self, full: Any, memo: dict[int, Any], condition: Any, carried: Sequence[Any]
    ) -> list[Any]:
        ran = condition is True and not is_traced(self.trips)
        if self.staged.results is None and ran:
            raise Raised
        results = []
        for i, form in enumerate(self.rolled.forms):
            left = self.after[i]
            sure = not isinstance(left, Optional | Missing)
            if isinstance(left, Optional) and left.exits == 2:
                # No value where the call was left in a round, and perhaps before one.
                inner = form.form if isinstance(form, Optional) else form
                late = ran or not isinstance(form, Optional)
                form = Optional(inner, left.name, left.why, 2 if late else 0)
            elif isinstance(form, Optional) and ran and sure:
                form = form.form
            keep = isinstance(form, Leaf) and form.index in self.fixed
            keep = keep and self.rolled.reads[i]
            results.append(carried[i] if keep else build(form, full, memo))
        if not ran:  # it may still be the one from before the loop
            self.session.share(results[i] for i in self.rolled.rebound)
        return results

    def _full(self, state: Sequence[Any]) -> list[Any]:
        """The arrays of all forms."""
        full = list(self.start)
        for k, value in zip(self.moving, state, strict=True):
            full[k] = value
        return full

    # --- a round ----------------------------------------------------------------------

    def _step(self, state: Any, i: Any, slices: Sequence[Any]) -> tuple[Any, Any, Any]:
        """One round: the new state, whether there is another, what lists get."""
        variables, buffers = state
        full = self._full(variables)
        leaves = self.staged.replay(i, *slices, *full[: self.rolled.inputs])
        into: list[Any] = list(full)
        for form, left in zip(self.rolled.forms, self.after, strict=True):
            if left is not None:
                extract(form, left, leaves, into, self.staged.contents)
        for _, form, left in self.contents:
            extract(form, left, leaves, into, self.staged.contents)
        found = truth(build(self.again, leaves, {}))
        again = found if is_traced(found) else bool(found)
        if self.code is not None:
            again = jnp.logical_and(again, into[self.code] == 0)
        ys: list[Any] = []
        if self.buffered:
            pairs = zip(self.grown, buffers, strict=True)
            buffers = [grown.push(buffer, leaves) for grown, buffer in pairs]
        else:
            ys = [[leaves[f.index] for f in leaves_in(g.parts)] for g in self.grown]
        return ([into[k] for k in self.moving], buffers), again, ys

    def _buffers(self) -> list[Any]:
        if not self.grown:
            return []
        rounds = self.trips
        if self.kind == "while":
            rounds = self.options.max_steps
            if rounds is None:
                raise self.session.error(
                    "a list grows in a loop whose number of rounds is not known",
                    "say the most rounds: `with jaxgrad.loop(max_steps=...)` round it; "
                    "or write into an array of a fixed size (zeros, then x[i] = value)",
                    self.node.source_range(),
                )
        return [grown.buffer(self.session, self.node, rounds) for grown in self.grown]

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        """What a round is given and what it leaves in its place, without containers."""
        todo: list[Any] = list(zip(self.rolled.forms, self.after, strict=True))
        todo += [(form, left) for _, form, left in self.contents]
        seen: set[tuple[int, int]] = set()
        while todo:
            pair = todo.pop()
            form, left = [f.form if isinstance(f, Optional) else f for f in pair]
            if (id(form), id(left)) in seen:
                continue
            news = isinstance(form, New) and isinstance(left, New)
            if news and form.static == left.static:
                seen.add((id(form), id(left)))
                todo += zip(form.parts, left.parts, strict=True)
            else:
                yield form, left

    def _invariant(self) -> set[int]:
        """The numbers of the leaves that no round changes."""
        staged, first = self.staged, 1 + len(self.rolled.arrays)
        seen: dict[int, bool] = {}
        for form, left in self._pairs():
            if isinstance(form, Leaf):
                same = left is None or (
                    isinstance(left, Leaf)
                    and form.index < self.rolled.inputs
                    and staged.outputs[left.index] is staged.inputs[first + form.index]
                )
                seen[form.index] = seen.get(form.index, True) and same
        return {k for k, same in seen.items() if same}

    def _code(self) -> int | None:
        """The number of the leaf that is the error code, if the loop carries it."""
        found = self.rolled.contents.get(id(self.session.errors))
        if found is None:
            return None
        form = found[1].parts[found[1].static.index("code")]
        return form.index if isinstance(form, Leaf) else None

    # --- the loops --------------------------------------------------------------------

    def _slices(self, slices: Any) -> Sequence[Any]:
        return slices if self.rolled.arrays else ()

    def _xs(self) -> Any:
        if self.rolled.arrays:
            return self.rolled.arrays
        # A symbolic length has to come from an array.
        return None if isinstance(self.trips, int) else jnp.arange(self.trips)

    def _scan(self, initial: Any, condition: Any) -> tuple[Any, Any]:
        def body(carry: Any, slices: Any) -> Any:
            i, state = carry
            new, _, ys = self._step(state, i, self._slices(slices))
            return (i + 1, new), ys

        xs, trips = self._xs(), self.trips
        length = trips if isinstance(trips, int) else None
        (_, state), ys = jax.lax.scan(body, (jnp.asarray(0), initial), xs, length)
        return state, ys

    def _counted(self, initial: Any, condition: Any) -> tuple[Any, Any]:
        def body(carry: Any, slices: Any) -> Any:
            i, _, state = carry
            new, again, _ = self._step(state, i, self._slices(slices))
            return (i + 1, jnp.asarray(again, bool), new), ()

        start = (jnp.asarray(0), jnp.asarray(True), initial)
        active: Callable[[Any], Any] = lambda carry: carry[1]  # noqa: E731
        (_, _, state), _ = counted(body, start, self._xs(), self.trips, active)
        return state, ()

    def _while(self, initial: Any, condition: Any) -> tuple[Any, Any]:
        session, trips, arrays = self.session, self.trips, self.rolled.arrays
        bounded = not (isinstance(trips, int) and trips == FOREVER)
        failing = is_traced(session.errors.code) or bool(session.errors.code)
        test = None if bounded or failing or self.code is not None else self._test()
        if test is not None:
            state, unfinished = self._loop(
                lambda state: test(state[0]),
                lambda state: self._step(state, jnp.asarray(0), ())[0],
                initial,
                "while",
            )
            self._limit(unfinished)
            return state, ()

        def more(carry: Any) -> Any:
            i, again, _ = carry
            return jnp.logical_and(i < trips, again) if bounded else again

        def body(carry: Any) -> Any:
            i, _, state = carry
            new, again, _ = self._step(state, i, [a[i] for a in arrays])
            return i + 1, jnp.asarray(again, bool), new

        first = truth(condition)
        if failing:
            # After a failed check the values are anybody's, and so is their end.
            first = jnp.logical_and(first, session.errors.code == 0)
        start = (jnp.asarray(0), jnp.asarray(first, bool), initial)
        word = "for" if bounded else "while"
        (_, _, state), unfinished = self._loop(more, body, start, word)
        self._limit(unfinished)
        return state, ()

    def _loop(self, more: Any, body: Any, start: Any, word: str) -> Any:
        options = self.options
        return while_loop(
            more,
            body,
            start,
            max_steps=options.max_steps,
            grad=options.grad,
            refuse=lambda: self._refusal(word),
        )

    def _test(self) -> Callable[[Sequence[Any]], Any] | None:
        """Whether there is another round, as a function of what is carried."""
        if not isinstance(self.again, Leaf):
            return None
        first = 1 + len(self.rolled.arrays)
        fixed = {first + k: self.start[k] for k in self.fixed}
        place = {k: i for i, k in enumerate(self.moving)}
        carried: dict[int, int] = {}
        several: set[int] = set()
        for form, left in self._pairs():
            if isinstance(form, Leaf) and isinstance(left, Leaf):
                number = place.get(form.index)
                if number is not None:
                    known = carried.get(left.index, number)
                    if known != number or form.aval != left.aval:
                        several.add(left.index)
                    carried[left.index] = number
            elif isinstance(form, Leaf | New) and not isinstance(left, Missing | None):
                # The round, and its condition, were traced with what is known of it.
                return None
        # Two variables that a round makes equal may have differed before the first one.
        sure = {j: k for j, k in carried.items() if j not in several}
        moved = several | carried.keys()
        return condition_of(self.staged.jaxpr, self.again.index, sure, fixed, moved)

    def _refusal(self, word: str) -> Exception:
        return self.session.error(
            f"the number of rounds of this {word} has no bound, so that it has no "
            "reverse-mode gradient",
            "say the most rounds: `with jaxgrad.loop(max_steps=...)` round it, or "
            "script(fn, max_steps=...); or loop over a range that is known; or use "
            "forward mode (jax.jvp)",
            self.node.source_range(),
            kind=LoopGradientError,
        )

    def _limit(self, unfinished: Any) -> None:
        """Report a loop that was not done after its `max_steps`."""
        if unfinished is False:
            return
        where = self.node.source_range()
        text = "" if where is None else f" at {where.text()}"
        steps = self.options.max_steps
        message = f"the loop{text} was not done after max_steps={steps}"
        self.session.place = where
        _raising.record(self.session, unfinished, MaxStepsError(message))
