"""`while` and `for`, and the loops in comprehensions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from jaxgrad.frontend.emit._flow import Ending, endings
from jaxgrad.frontend.emit._names import writes
from jaxgrad.graph import Block, Node, Value, types

if TYPE_CHECKING:
    from jaxgrad.frontend.emit._emitter import Emitter

STATUS, RETURNED = "$status", "$ret"
FOREVER = 2**63 - 1  # the trip count of a `while`, as in TorchScript
_LEAVES = frozenset({Ending.BREAK, Ending.RETURN})


def while_loop(emitter: Emitter, node: ast.While) -> None:
    """A `prim::Loop` without a trip count; its condition is emitted before and in it."""
    from jaxgrad.frontend.emit._expressions import expression
    from jaxgrad.frontend.emit._statements import block

    trips = emitter.constant(FOREVER)

    def test() -> Value:
        return expression(emitter, node.test, truth=True)

    first = test()
    carried = _carried(emitter, node, [node.test, *node.body])
    _loop(
        emitter,
        node,
        (trips, first),
        carried,
        lambda _: block(emitter, node.body),
        test,
        endings(node.body),
    )
    _otherwise(emitter, node)


def for_loop(emitter: Emitter, node: ast.For) -> None:
    """A `prim::Loop` over `prim::Iterate`, whose items are `prim::Item(iterator, i)`."""
    from jaxgrad.frontend.emit._expressions import expression
    from jaxgrad.frontend.emit._statements import block
    from jaxgrad.frontend.emit._targets import assign

    iterable = expression(emitter, node.iter)
    emitter.at(node.iter)
    iterator, trips = emitter.node("prim::Iterate", (iterable,), 2).outputs()
    emitter.at(node)
    true = emitter.constant(True)
    carried = _carried(emitter, node, [node.target, *node.body])

    def body(i: Value) -> None:
        item = emitter.value("prim::Item", iterator, i)
        assign(emitter, node.target, item)
        block(emitter, node.body)

    ends = endings(node.body)
    _loop(emitter, node, (trips, true), carried, body, None, ends)
    _otherwise(emitter, node)


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
) -> Node:
    emitter.at(node)
    zero = emitter.constant(Ending.NEXT.value) if STATUS in carried else None
    initial = [
        zero if name == STATUS else emitter.env.get(name) or emitter.uninitialized(name)
        for name in carried
    ]
    loop = emitter.node("prim::Loop", (*start, *initial), 0)
    inner = loop.add_block()
    i = inner.add_input_to_block("i", types.IntType.get())
    for name in carried:
        value = inner.add_input_to_block(None, types.AnyType.get())
        emitter.graph._suggest(value, _text(name))
        initial[carried.index(name)] = value

    def emit() -> Value:
        emitter.env.update(zip(carried, initial, strict=True))
        emitter.env[STATUS] = emitter.constant(Ending.NEXT.value)
        body(i)
        emitter.at(node)
        return _again(emitter, test, ends)

    again, after = emitter.arm(inner, emit)
    inner.register_output(again)
    _hand_on(emitter, loop, inner, carried, after)
    return loop


def _hand_on(
    emitter: Emitter,
    loop: Node,
    inner: Block,
    carried: Sequence[str],
    after: dict[str, Value],
) -> None:
    for name in carried:
        value = after.get(name) or emitter._missing(inner, name)
        inner.register_output(value)
        output = loop.add_output()
        output._type = types.AnyType.get()
        emitter.env[name] = emitter.named(name, output)
    # What is bound inside and not handed on has no value after it.
    for name in list(emitter.env):
        if name not in carried and after.get(name) is not emitter.env[name]:
            if not name.startswith("$"):
                del emitter.env[name]


def _again(
    emitter: Emitter, test: Callable[[], Value] | None, ends: frozenset[Ending]
) -> Value:
    """Whether there is another round; the test is not made after an exit."""
    if not ends & _LEAVES:
        return emitter.constant(True) if test is None else test()
    # 0 and 2 (`continue`) go on, 1 and 3 don't.
    one = emitter.constant(1)
    odd = emitter.value("py::operator.and_", emitter.env[STATUS], one)
    going = emitter.value("py::operator.eq", odd, emitter.constant(0))
    if test is None:
        return going
    result = emitter.choose(
        going, (test, lambda: emitter.constant(False)), None, logical="and"
    )
    assert result is not None
    return result


def _otherwise(emitter: Emitter, node: ast.For | ast.While) -> None:
    """The `else` of a loop; and `$status` as it is after the loop."""
    from jaxgrad.frontend.emit._statements import block

    ends = endings(node.body)
    emitter.at(node)
    if not ends & _LEAVES:
        block(emitter, node.orelse)
        return
    status = emitter.env[STATUS]

    def left() -> None:
        # A break is over; a return goes on.
        if Ending.RETURN in ends:
            three = emitter.constant(Ending.RETURN.value)
            emitter.env[STATUS] = _returned(emitter, status, three)
        else:
            emitter.env[STATUS] = emitter.constant(Ending.NEXT.value)

    def done() -> None:
        emitter.env[STATUS] = emitter.constant(Ending.NEXT.value)
        block(emitter, node.orelse)

    if not node.orelse:
        left()
        return
    one = emitter.constant(1)
    odd = emitter.value("py::operator.and_", status, one)
    going = emitter.value("py::operator.eq", odd, emitter.constant(0))
    emitter.choose(going, (done, left), emitter.live.after[node])


def _returned(emitter: Emitter, status: Value, three: Value) -> Value:
    """3 after a return, else 0."""
    returned = emitter.value("py::operator.eq", status, three)
    zero = emitter.constant(Ending.NEXT.value)
    if (found := emitter.choose(returned, (lambda: three, lambda: zero), None)) is None:
        raise AssertionError
    return found


def _text(name: str) -> str:
    return name.replace("$", "_").partition("@")[0]


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
    from jaxgrad.frontend.emit._expressions import expression
    from jaxgrad.frontend.emit._targets import assign

    first, *rest = generators
    iterable = expression(emitter, first.iter)
    emitter.at(first.iter)
    iterator, trips = emitter.node("prim::Iterate", (iterable,), 2).outputs()
    true = emitter.constant(True)
    names = {
        n.id
        for n in ast.walk(first.target)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }

    def conditions(tests: Sequence[ast.expr]) -> None:
        if not tests:
            comprehension(emitter, rest, collect, bound)
            return
        test = expression(emitter, tests[0], truth=True)
        emitter.choose(test, (lambda: conditions(tests[1:]), lambda: None), set(bound))

    def body(i: Value) -> None:
        before = emitter.renamed
        own = {name: f"{name}@{first.target.lineno}:{id(first)}" for name in names}
        emitter.renamed = {**before, **own}
        item = emitter.value("prim::Item", iterator, i)
        assign(emitter, first.target, item)
        conditions(first.ifs)
        emitter.renamed = before

    frozen = frozenset({Ending.NEXT})
    _loop(emitter, first.iter, (trips, true), bound, body, None, frozen)
