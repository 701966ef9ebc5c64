"""`prim::Loop`: unrolled, or rolled into `lax.scan` and `lax.while_loop`.

A loop whose condition and trip count are known is run in Python, if it is short or
can't be rolled. A rolled one is traced until the types of what it carries don't change:
its variables, and what objects hold that its body changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax

from jaxgrad.errors import ScriptError
from jaxgrad.graph import Node
from jaxgrad.lower.script import _heap
from jaxgrad.lower.script._branch import Paths, choose
from jaxgrad.lower.script._forms import Const
from jaxgrad.lower.script._iterate import Iterator
from jaxgrad.lower.script._rolled import NeedsPython, Rolled
from jaxgrad.lower.script._run import names_of, roots_of, run_block
from jaxgrad.lower.script._stage import Raised, stage
from jaxgrad.lower.script._template import build
from jaxgrad.lower.script._values import in_round, is_traced, out_of_round, truth

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Frame, Session

FOREVER = 2**63 - 1
# So many rounds are unrolled without a word where a loop can't be rolled.
_QUIET, _MOST = 64, 10_000
_NEEDS_PYTHON = (
    NeedsPython,
    jax.errors.TracerIntegerConversionError,
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)


def loop(session: Session, frame: Frame, node: Node, values: list[Any]) -> list[Any]:
    """Run a `prim::Loop`.

    Returns:
        What it carries at the end.

    Raises:
        ScriptError: it can be neither rolled nor unrolled.
    """
    trips, condition, *carried = values
    iterator = _iterator(frame, node)
    if iterator is None:
        return _while(session, frame, node, trips, condition, carried)
    unroll = (frame.loops[-1] if frame.loops else session.options).unroll
    known = isinstance(trips, int)
    if known and trips == 0:
        return carried
    if known and (not iterator.uniform or trips <= unroll):
        return _unrolled(session, frame, node, iterator, trips, carried)
    try:
        return Rolled(session, frame, node, iterator).run(trips, True, carried)
    except (ScriptError, *_NEEDS_PYTHON) as error:
        if not known or trips > _MOST or getattr(error, "_final", False):
            raise
        _warn_long(session, node, trips, error)
        try:
            return _unrolled(session, frame, node, iterator, trips, carried)
        except (ScriptError, *_NEEDS_PYTHON) as second:
            raise second from None


def _iterator(frame: Frame, node: Node) -> Iterator | None:
    maker = node._inputs[0].node()
    if maker.kind() != "prim::Iterate":
        return None
    return frame.env[maker._outputs[0]]


def _warn_long(session: Session, node: Node, trips: int, error: Exception) -> None:
    if trips > _QUIET:
        place = node.source_range()
        where = "" if place is None else f" at {place.text()}"
        reason = str(error).splitlines()[0]
        session.warn(
            f"The loop{where} is unrolled {trips} times, as its body can't be compiled "
            f"once for all rounds: {reason}"
        )


def _unrolled(
    session: Session,
    frame: Frame,
    node: Node,
    iterator: Iterator,
    trips: int,
    carried: list[Any],
    start: int = 0,
) -> list[Any]:
    """Round after round; what follows a traced exit is a branch of its own."""
    body = node.blocks()[0]
    i = start
    # A list may grow meanwhile.
    while i < (trips if iterator.uniform else iterator.length):
        if i > _MOST:
            raise session.error(
                f"this for ran {i} rounds while it was compiled",
                "loop over an array or a range, which is compiled once for all rounds",
                node.source_range(),
            )
        frame.env.update(
            zip(body._param._outputs, [i, *map(in_round, carried)], strict=True)
        )
        frame.items[node._inputs[0].node()._outputs[0]] = iterator.at(i)
        again, *carried = run_block(session, frame, body)
        again, i, carried = truth(again), i + 1, list(map(out_of_round, carried))
        if is_traced(again):
            if i >= (trips if iterator.uniform else iterator.length):
                return carried
            return _rest(session, frame, node, iterator, trips, carried, i, again)
        if not again:
            break
    return carried


def _rest(
    session: Session,
    frame: Frame,
    node: Node,
    iterator: Iterator,
    trips: int,
    carried: list[Any],
    start: int,
    again: Any,
) -> list[Any]:
    def more() -> list[Any]:
        return _unrolled(session, frame, node, iterator, trips, carried, start)

    paths = Paths(
        names_of(node._outputs),
        ("the next round of the loop", "the loop that was left"),
        ((), ()),
        node.source_range(),
    )
    roots = [*roots_of(session, frame, node), *carried, *frame.items.values()]
    return choose(session, again, (more, lambda: carried), roots, paths)


def _while(
    session: Session,
    frame: Frame,
    node: Node,
    trips: Any,
    condition: Any,
    carried: list[Any],
) -> list[Any]:
    """A `while`: in Python as long as its condition is known."""
    again = truth(condition)
    body = node.blocks()[0]
    rounds = 0

    def once() -> list[Any]:
        frame.env.update(
            zip(body._param._outputs, [rounds, *map(in_round, carried)], strict=True)
        )
        again, *left = run_block(session, frame, body)
        return [truth(again), *map(out_of_round, left)]

    while not is_traced(again):
        if not again:
            return carried
        _check_rounds(session, node, rounds)

        if rounds:
            again, *carried = once()
            again = truth(again)
            rounds += 1
            continue
        # The first round on trial: if its end is traced, the whole loop is rolled.
        roots = [*roots_of(session, frame, node), *carried]
        trial = stage(session, roots, once)
        if trial.results is None:
            once()
            raise Raised
        leaves_again = not _is_known(trial.results[0])
        if leaves_again:
            break
        leaves = trial.replay()
        memo: dict[int, Any] = {}
        again, *carried = [build(f, leaves, memo) for f in trial.results]
        for obj, form in trial.contents.values():
            parts = [build(part, leaves, memo) for part in form.parts]
            _heap.fill(obj, form.static, parts)
        again = truth(again)
        rounds += 1
    return Rolled(session, frame, node, None).run(FOREVER, again, carried)


def _check_rounds(session: Session, node: Node, rounds: int) -> None:
    """Tell the user that a `while` is unrolled; refuse it where it goes on and on."""
    if rounds == _MOST:
        session.place = node.source_range()
        raise session.error(
            f"this while ran {rounds} rounds while it was compiled",
            "its condition depends on Python values alone, so that every round is "
            "compiled: let it depend on an array (jnp.asarray(0) as the counter)",
        )
    if rounds == _QUIET:
        session.warn(
            f"The while at {_where(node)} is unrolled, as its condition depends on "
            "Python values alone."
        )


def _is_known(form: Any) -> bool:
    return isinstance(form, Const) and not is_traced(form.value)


def _where(node: Node) -> str:
    place = node.source_range()
    return "a script" if place is None else place.text()
