"""How each statement becomes nodes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from jaxgrad.frontend.emit._calls import call_value, closure
from jaxgrad.frontend.emit._emitter import RETURNED, STATUS, Emitter
from jaxgrad.frontend.emit._flow import EXITS, Ending, endings, leaving
from jaxgrad.frontend.emit._loops import for_loop, while_loop
from jaxgrad.frontend.emit._syntax import unsupported
from jaxgrad.frontend.emit._targets import assign, augment, delete
from jaxgrad.graph import Value


def block(emitter: Emitter, statements: Sequence[ast.stmt]) -> None:
    """Emit statements that run in order."""
    for i, statement in enumerate(statements):
        if not _statement(emitter, statement, statements[i + 1 :]):
            return


def _statement(emitter: Emitter, statement: ast.stmt, rest: Sequence[ast.stmt]) -> bool:
    """Emit one statement; whether `rest` is still to be emitted."""
    emitter.at(statement)
    if isinstance(statement, ast.If):
        return _if(emitter, statement, rest)
    rule = _RULES.get(type(statement))
    if rule is None:
        raise unsupported(emitter.places(statement), type(statement).__name__)
    rule(emitter, statement)
    ends = endings([statement])
    if Ending.NEXT not in ends:
        return False
    if ends & EXITS and rest:
        return guard(emitter, rest, ends)
    return True


def guard(emitter: Emitter, rest: Sequence[ast.stmt], ends: frozenset[Ending]) -> bool:
    """Emit `rest` under the condition that no exit was met; False, as it is done."""
    # Whatever is bound in `rest` may be needed by what comes after all of it.
    arms = (lambda: emitter.reached(lambda: emitter.block(rest)), lambda: None)
    emitter.choose(emitter.going(), arms, None, (0, leaving(ends & EXITS)))
    return False


def _if(emitter: Emitter, node: ast.If, rest: Sequence[ast.stmt]) -> bool:
    condition = emitter.expression(node.test, truth=True)
    emitter.at(node)
    arms: list[Sequence[ast.stmt]] = [node.body, node.orelse]
    ends = [endings(arm) for arm in arms]
    live: set[str] | None = emitter.live.after[node]
    exits = [Ending.NEXT not in end and bool(end & EXITS) for end in ends]
    taken = bool(rest) and any(exits)
    if taken:
        # One arm always leaves: the rest belongs to the other one.
        other = 1 if exits[0] else 0
        arms[other] = [*arms[other], *rest]
        live = None
    emitter.choose(
        condition,
        (lambda: emitter.block(arms[0]), lambda: emitter.block(arms[1])),
        live,
        [leaving(endings(arm)) for arm in arms],
        () if node.orelse else ("the if-branch", "the path that skips the if"),
    )
    if not taken and rest and (ends[0] | ends[1]) & EXITS:
        emitter.at(node)
        return guard(emitter, rest, ends[0] | ends[1])
    return not taken


def _return(emitter: Emitter, node: ast.Return) -> None:
    value = (
        emitter.constant(None) if node.value is None else emitter.expression(node.value)
    )
    emitter.at(node)
    if value.node().kind() in _PARTIAL:
        value = _used(emitter, value)
    emitter.env[RETURNED] = value
    emitter.binds(RETURNED, value, node.value or node)
    emitter.env[STATUS] = emitter.constant(Ending.RETURN.value)


def _used(emitter: Emitter, value: Value) -> Value:
    """A value that may have none here, which whatever uses it has to notice."""
    return emitter.value("prim::Use", value)


_PARTIAL = frozenset({"prim::If", "prim::Loop", "prim::Uninitialized", "prim::With"})


def _exit(ending: Ending) -> Callable[[Emitter, Any], None]:
    def emit(emitter: Emitter, node: ast.stmt) -> None:
        emitter.env[STATUS] = emitter.constant(ending.value)

    return emit


def _assign(emitter: Emitter, node: ast.Assign) -> None:
    value = emitter.expression(node.value)
    maker = value.node()
    carried = (
        maker.kind() == "prim::Param" and maker is not emitter.graph.block()._param
    )
    if isinstance(node.value, ast.Name) and (carried or maker.kind() in _PARTIAL):
        emitter.at(node.value)
        value = _used(emitter, value)
    for target in node.targets:
        assign(emitter, target, value)
        if isinstance(target, ast.Name):
            emitter.binds(target.id, value, node.value)


def _annotated(emitter: Emitter, node: ast.AnnAssign) -> None:
    if node.value is not None:
        assign(emitter, node.target, emitter.expression(node.value))


def _expression(emitter: Emitter, node: ast.Expr) -> None:
    if not isinstance(node.value, ast.Constant):
        emitter.expression(node.value)


def _assert(emitter: Emitter, node: ast.Assert) -> None:
    condition = emitter.expression(node.test, truth=True)
    emitter.at(node)
    check = emitter.node("prim::Assert", (condition,), 0)
    message = check.add_block()

    def emit() -> Any:
        return None if node.msg is None else emitter.expression(node.msg)

    result, _ = emitter.arm(message, emit)
    if result is not None:
        message.register_output(result)


def _raise(emitter: Emitter, node: ast.Raise) -> None:
    if node.exc is None:
        raise unsupported(emitter.places(node), "raise without an exception")
    error = emitter.expression(node.exc)
    emitter.at(node)
    emitter.node("prim::RaiseException", (error,), 0)


def _function(emitter: Emitter, node: ast.FunctionDef) -> None:
    value = closure(emitter, node)
    for decorator in reversed(node.decorator_list):
        value = call_value(emitter, emitter.expression(decorator), value)
    emitter.at(node)
    emitter.write(node.name, value)


def _with(emitter: Emitter, node: ast.With) -> None:
    _manage(emitter, node, list(node.items))


def _manage(emitter: Emitter, node: ast.With, items: list[ast.withitem]) -> None:
    if not items:
        emitter.block(node.body)
        return
    first, *rest = items
    manager = emitter.expression(first.context_expr)
    emitter.at(first.context_expr)
    outer = emitter.node("prim::With", (manager,), 0)
    inner = outer.add_block()
    entered = inner.add_input_to_block()

    def emit() -> None:
        if first.optional_vars is not None:
            assign(emitter, first.optional_vars, entered)
        _manage(emitter, node, rest)

    before = emitter.env
    _, after = emitter.arm(inner, emit)
    for name, value in after.items():
        if before.get(name) is not value:
            inner.register_output(value)
            output = emitter.env[name] = emitter.named(name, outer.add_output())
            emitter.bound[name, output] = emitter.origin(name, value)


_RULES: dict[type, Callable[[Emitter, Any], None]] = {
    ast.AnnAssign: _annotated,
    ast.Assert: _assert,
    ast.Assign: _assign,
    ast.AugAssign: augment,
    ast.Break: _exit(Ending.BREAK),
    ast.Continue: _exit(Ending.CONTINUE),
    ast.Delete: delete,
    ast.Expr: _expression,
    ast.For: for_loop,
    ast.FunctionDef: _function,
    ast.Global: lambda emitter, node: None,  # writes are refused before
    ast.Nonlocal: lambda emitter, node: None,
    ast.Pass: lambda emitter, node: None,
    ast.Raise: _raise,
    ast.Return: _return,
    ast.While: while_loop,
    ast.With: _with,
}
