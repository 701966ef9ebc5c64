"""`while` and `for`, and the loops in comprehensions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from jaxgrad.frontend.emit._emitter import RETURNED, STATUS, Emitter
from jaxgrad.frontend.emit._flow import (
    Ending,
    bound_at_breaks,
    endings,
    is_endless,
    leaving,
)
from jaxgrad.frontend.emit._names import writes
from jaxgrad.frontend.emit._syntax import text_name
from jaxgrad.frontend.emit._targets import assign
from jaxgrad.graph import Block, Node, Value, types
from jaxgrad.lower.script._program import Origins

FOREVER = 2**63 - 1  # the trip count of a `while`, as in TorchScript
_LEAVES = frozenset({Ending.BREAK, Ending.RETURN})
_NEXT = frozenset({Ending.NEXT})


def while_loop(emitter: Emitter, node: ast.While) -> None:
    """A `prim::Loop` without a trip count, whose condition is emitted twice."""
    # In front of the loop for the first round, and at the end of each for the next.
    trips = emitter.constant(FOREVER)

    def test() -> Value:
        return emitter.condition(emitter.expression(node.test, truth=True))

    def body(i: Value) -> None:
        emitter.block(node.body)

    start = trips, test()
    carried = _carried(emitter, node, [node.test, *node.body])
    _loop(emitter, node, start, carried, body, test, endings(node.body))
    _otherwise(emitter, node)


def for_loop(emitter: Emitter, node: ast.For) -> None:
    """A `prim::Loop` over a `prim::Iterate`, whose items are `prim::Item`s."""
    iterator, trips = _iterate(emitter, node.iter)
    emitter.at(node)
    true = emitter.constant(True)
    carried = _carried(emitter, node, [node.target, *node.body])

    def body(i: Value) -> None:
        assign(emitter, node.target, emitter.value("prim::Item", iterator, i))
        emitter.block(node.body)

    ends = endings(node.body)
    _loop(emitter, node, (trips, true), carried, body, None, ends)
    _otherwise(emitter, node)


def _iterate(emitter: Emitter, iterable: ast.expr) -> tuple[Value, Value]:
    """The iterator of an iterable, and how many items it has."""
    value = emitter.expression(iterable)
    emitter.at(iterable)
    iterator, trips = emitter.node("prim::Iterate", (value,), 2).outputs()
    return iterator, trips


def _carried(
    emitter: Emitter, node: ast.For | ast.While, parts: Sequence[ast.AST]
) -> list[str]:
    """The names that a loop hands from round to round, and on."""
    needed = emitter.live.head[node] | emitter.live.after[node]
    own = writes(parts) & needed & (emitter.scope.locals | set(emitter.renamed))
    renamed = (emitter.renamed.get(n, n) for n in own)
    names = sorted(set(renamed) - emitter.cells)
    ends = endings(node.body)
    if ends & _LEAVES:
        names.append(STATUS)
    if Ending.RETURN in ends:
        names.append(RETURNED)
    return names


def _loop(
    emitter: Emitter,
    node: ast.AST,
    start: tuple[Value, Value],
    carried: Sequence[str],
    body: Callable[[Value], None],
    test: Callable[[], Value] | None,
    ends: frozenset[Ending],
) -> None:
    """Emit a `prim::Loop`.

    Args:
        emitter: the emitter.
        node: where it stands.
        start: the number of trips, and whether there is a first one.
        carried: the names that it hands from round to round, and on.
        body: emits a round, given its number.
        test: emits whether there is another one; None if the number of trips says it.
        ends: how the body can end.
    """
    emitter.at(node)
    before = dict(emitter.env)
    if STATUS in carried:
        before[STATUS] = emitter.constant(Ending.NEXT.value)
    initial = [before.get(name) or emitter.uninitialized(name) for name in carried]
    loop = emitter.node("prim::Loop", (*start, *initial), 0)
    inner = loop.add_block()
    i = inner.add_input_to_block("i", types.IntType.get())
    inputs = [inner.add_input_to_block(None, types.AnyType.get()) for _ in carried]
    for name, value in zip(carried, inputs, strict=True):
        emitter.graph._suggest(value, text_name(name))

    def emit() -> Value:
        emitter.env.update(zip(carried, inputs, strict=True))
        emitter.env[STATUS] = emitter.constant(Ending.NEXT.value)
        if RETURNED in carried:
            emitter.env[RETURNED] = emitter.uninitialized(RETURNED)
        body(i)
        emitter.at(node)
        return _again(emitter, test, ends)

    again, after = emitter.arm(inner, emit)
    inner.register_output(again)
    _hand_on(emitter, loop, inner, carried, after)
    _note_origins(emitter, loop, carried, initial)


def _hand_on(
    emitter: Emitter,
    loop: Node,
    inner: Block,
    carried: Sequence[str],
    after: dict[str, Value],
) -> None:
    """Give a loop its results; `after`: what names stand for at the end of a round."""
    for name in carried:
        inner.register_output(after.get(name) or emitter.missing(inner, name))
        output = loop.add_output()
        output._type = types.AnyType.get()
        emitter.env[name] = emitter.named(name, output)
    # What is bound inside and not handed on has no value after it.
    for name in list(emitter.env):
        bound = after.get(name) is not emitter.env[name]
        if bound and name not in carried and not name.startswith("$"):
            del emitter.env[name]


def _note_origins(
    emitter: Emitter, loop: Node, carried: Sequence[str], initial: Sequence[Value]
) -> None:
    """Note where the variables of a loop come from: before it, and in a round."""
    left = loop.blocks()[0].outputs()[1:]
    places = [
        tuple([emitter.origin(*each) for each in zip(carried, values, strict=True)])
        for values in (initial, left)
    ]
    emitter.origins[loop] = Origins(tuple(places))
    if RETURNED in carried:
        last = places[1][carried.index(RETURNED)]
        emitter.bound[RETURNED, emitter.env[RETURNED]] = last


def _again(
    emitter: Emitter, test: Callable[[], Value] | None, ends: frozenset[Ending]
) -> Value:
    """Whether there is another round; the test is not made after an exit."""
    if not ends & _LEAVES:
        return emitter.constant(True) if test is None else test()
    going = _not_left(emitter, emitter.env[STATUS])
    if test is None:
        return going
    arms = (lambda: emitter.reached(test), lambda: emitter.constant(False))
    result = emitter.choose(going, arms, None, logical="and")
    assert result is not None
    return result


def _not_left(emitter: Emitter, status: Value) -> Value:
    """Whether a status is 0 or 2 (`continue`), and not 1 or 3 (`break`, `return`)."""
    odd = emitter.value("py::operator.and_", status, emitter.constant(1))
    return emitter.value("py::operator.eq", odd, emitter.constant(0))


def _otherwise(emitter: Emitter, node: ast.For | ast.While) -> None:
    """The `else` of a loop; and `$status` as it is after the loop."""
    ends = endings(node.body)
    emitter.at(node)
    if not ends & _LEAVES:
        emitter.block(node.orelse)
        return
    status = emitter.env[STATUS]
    # What every break finds bound has a value after one.
    sure = sorted(bound_at_breaks(node) & set(emitter.env))

    def left() -> None:
        for name in sure if Ending.RETURN not in ends else ():
            value = emitter.value("prim::Reached", emitter.env[name], sure=True)
            emitter.env[name] = emitter.named(name, value)
        # A break is over; a return goes on.
        emitter.env[STATUS] = (
            _if_returned(emitter, status)
            if Ending.RETURN in ends
            else emitter.constant(Ending.NEXT.value)
        )

    leaves = leaving(endings(node.orelse))

    def done() -> None:
        emitter.env[STATUS] = emitter.constant(Ending.NEXT.value)
        emitter.reached(lambda: emitter.block(node.orelse))
        for name in sure if leaves == 2 else ():
            emitter.env.pop(name)  # whoever comes after the loop met a break

    if node.orelse:
        arms, live = (done, left), emitter.live.after[node]
        emitter.choose(_not_left(emitter, status), arms, live, (leaves, 0))
        return
    sure = sure if is_endless(node) else []
    left()


def _if_returned(emitter: Emitter, status: Value) -> Value:
    """3 after a return, else 0."""
    three = emitter.constant(Ending.RETURN.value)
    returned = emitter.value("py::operator.eq", status, three)
    zero = emitter.constant(Ending.NEXT.value)
    found = emitter.choose(returned, (lambda: three, lambda: zero), None)
    assert found is not None
    return found


def own_name(name: str, clause: ast.comprehension) -> str:
    """What keeps a target of a comprehension apart from the function's names."""
    return f"{name}@{id(clause)}"


def comprehension(
    emitter: Emitter,
    generators: Sequence[ast.comprehension],
    collect: Callable[[], None],
    bound: Sequence[str],
) -> None:
    """The loops of a comprehension; `collect` is emitted inside them all.

    Args:
        emitter: the emitter.
        generators: the `for` clauses.
        collect: emits what is done for each element.
        bound: names around it that a walrus inside binds.
    """
    if not generators:
        collect()
        return

    first, *rest = generators

    def collected(tests: Sequence[ast.expr]) -> None:
        """The inner loops, under the conditions `tests`."""
        if not tests:
            comprehension(emitter, rest, collect, bound)
            return
        test = emitter.expression(tests[0], truth=True)
        arms = (lambda: collected(tests[1:]), lambda: None)
        emitter.choose(test, arms, set(bound))

    iterator, trips = _iterate(emitter, first.iter)
    true = emitter.constant(True)
    targets = writes(first.target, items=False)
    own = {name: own_name(name, first) for name in targets}

    def body(i: Value) -> None:
        before = emitter.renamed
        emitter.renamed = {**before, **own}
        assign(emitter, first.target, emitter.value("prim::Item", iterator, i))
        collected(first.ifs)
        emitter.renamed = before

    _loop(emitter, first.iter, (trips, true), bound, body, None, _NEXT)
