"""How each expression becomes a value."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from jaxgrad.frontend.emit._calls import call, closure
from jaxgrad.frontend.emit._emitter import Emitter
from jaxgrad.frontend.emit._loops import comprehension, own_name
from jaxgrad.frontend.emit._names import (
    captured_targets,
    free_names,
    handed_out,
    writes,
)
from jaxgrad.frontend.emit._syntax import BINARY, literal, mangled, unsupported
from jaxgrad.frontend.emit._targets import assign
from jaxgrad.graph import Value
from jaxgrad.lower.script._places import error_at

_UNARY: dict[type, str] = {
    ast.Invert: "invert",
    ast.Not: "not_",
    ast.UAdd: "pos",
    ast.USub: "neg",
}
_COMPARE: dict[type, str] = {
    ast.Eq: "eq",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.In: "contains",
    ast.Is: "is_",
    ast.IsNot: "is_not",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.NotEq: "ne",
    ast.NotIn: "contains",
}


def expression(emitter: Emitter, node: ast.expr, truth: bool = False) -> Value:
    """Emit an expression.

    Args:
        emitter: the emitter.
        node: the expression.
        truth: whether only its truth is asked for.

    Returns:
        Its value.

    Raises:
        ScriptError: there is no rule for it.
    """
    emitter.at(node)
    if isinstance(node, ast.BoolOp):
        return _bool(emitter, node, truth)
    rule = _RULES.get(type(node))
    if rule is None:
        error = unsupported(emitter.places(node), type(node).__name__)
        raise error
    return rule(emitter, node)


def _constant(emitter: Emitter, node: ast.Constant) -> Value:
    return emitter.constant(node.value)


def _name(emitter: Emitter, node: ast.Name) -> Value:
    return emitter.read(node.id)


def _binary(emitter: Emitter, node: ast.BinOp) -> Value:
    left = emitter.expression(node.left)
    right = emitter.expression(node.right)
    emitter.at(node)
    return emitter.value(f"py::operator.{BINARY[type(node.op)]}", left, right)


def _unary(emitter: Emitter, node: ast.UnaryOp) -> Value:
    known, value = literal(node)
    if known:
        return emitter.constant(value)
    operand = emitter.expression(node.operand, truth=isinstance(node.op, ast.Not))
    emitter.at(node)
    return emitter.value(f"py::operator.{_UNARY[type(node.op)]}", operand)


def _bool(emitter: Emitter, node: ast.BoolOp, truth: bool) -> Value:
    word = "and" if isinstance(node.op, ast.And) else "or"

    def rest(first: Value, others: Sequence[ast.expr]) -> Value:
        if not others:
            return first
        emitter.at(node)

        def more() -> Value:
            second = emitter.expression(others[0], truth=truth)
            emitter.binds("", second, others[0])
            return rest(second, others[1:])

        arms: tuple[Callable[[], Value], ...] = (more, lambda: first)
        paths = (f"the right side of `{word}`", f"the left side of `{word}`")
        order = slice(None, None, 1 if word == "and" else -1)
        found = emitter.choose(
            first, arms[order], None, paths=paths[order], logical=word, truth=truth
        )
        assert found is not None
        return found

    start = emitter.expression(node.values[0], truth=truth)
    emitter.binds("", start, node.values[0])
    return rest(start, node.values[1:])


def _compare(emitter: Emitter, node: ast.Compare) -> Value:
    def rest(left: Value, ops: Sequence[ast.cmpop], others: Sequence[Any]) -> Value:
        right = emitter.expression(others[0])
        emitter.at(node)
        first = _comparison(emitter, ops[0], left, right)
        if len(ops) == 1:
            return first
        arms = (lambda: rest(right, ops[1:], others[1:]), lambda: first)
        found = emitter.choose(first, arms, None, logical="and")
        assert found is not None
        return found

    return rest(emitter.expression(node.left), node.ops, node.comparators)


def _comparison(emitter: Emitter, op: ast.cmpop, left: Value, right: Value) -> Value:
    kind = f"py::operator.{_COMPARE[type(op)]}"
    if isinstance(op, ast.In | ast.NotIn):
        left, right = right, left
    found = emitter.value(kind, left, right)
    if isinstance(op, ast.NotIn):
        return emitter.value("py::operator.not_", found)
    return found


def _ternary(emitter: Emitter, node: ast.IfExp) -> Value:
    test = emitter.expression(node.test, truth=True)
    emitter.at(node)

    def arm(part: ast.expr) -> Value:
        value = emitter.expression(part)
        emitter.binds("", value, part)
        return value

    arms = (lambda: arm(node.body), lambda: arm(node.orelse))
    found = emitter.choose(test, arms, None)
    assert found is not None
    return found


def _attribute(emitter: Emitter, node: ast.Attribute) -> Value:
    owner = emitter.expression(node.value)
    emitter.at(node)
    return emitter.value("prim::GetAttr", owner, name=mangled(emitter.owner, node.attr))


def _subscript(emitter: Emitter, node: ast.Subscript) -> Value:
    owner = emitter.expression(node.value)
    at = emitter.expression(node.slice)
    emitter.at(node)
    return emitter.value("py::operator.getitem", owner, at)


def _slice(emitter: Emitter, node: ast.Slice) -> Value:
    parts = [
        emitter.constant(None) if part is None else emitter.expression(part)
        for part in (node.lower, node.upper, node.step)
    ]
    return emitter.value("py::builtins.slice", *parts)


def _display(kind: str) -> Callable[[Emitter, Any], Value]:
    """Tuples and lists: a node of the elements, with the places of starred ones."""

    def emit(emitter: Emitter, node: ast.Tuple | ast.List | ast.Set) -> Value:
        stars = [i for i, e in enumerate(node.elts) if isinstance(e, ast.Starred)]
        values = [
            emitter.expression(e.value if isinstance(e, ast.Starred) else e)
            for e in node.elts
        ]
        emitter.at(node)
        attributes = {"stars": stars} if stars else {}
        return emitter.value(kind, *values, **attributes)

    return emit


def _dict(emitter: Emitter, node: ast.Dict) -> Value:
    values, merged = [], []
    for i, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
        if key is None:
            merged.append(i)
        values.append(
            emitter.constant(None) if key is None else emitter.expression(key)
        )
        values.append(emitter.expression(value))
    emitter.at(node)
    attributes = {"merged": merged} if merged else {}
    return emitter.value("prim::DictConstruct", *values, **attributes)


def _walrus(emitter: Emitter, node: ast.NamedExpr) -> Value:

    value = emitter.expression(node.value)
    before = emitter.renamed
    # Inside a comprehension it binds in the scope around it.
    emitter.renamed = {}
    assign(emitter, node.target, value)
    emitter.renamed = before
    return value


def _format(emitter: Emitter, node: ast.JoinedStr) -> Value:
    values: list[Value] = []
    layout: list[Any] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            layout.append(part.value)
            continue
        assert isinstance(part, ast.FormattedValue)
        values.append(emitter.expression(part.value))
        spec = part.format_spec
        if spec is not None:
            values.append(emitter.expression(spec))
        conversion = chr(part.conversion) if part.conversion > 0 else ""
        layout.append((conversion, spec is not None))
    emitter.at(node)
    return emitter.value("prim::Format", *values, layout=tuple(layout))


def _comprehension(emitter: Emitter, node: Any) -> Value:
    kind = {ast.DictComp: "prim::DictConstruct", ast.SetComp: "prim::SetConstruct"}
    made = emitter.value(kind.get(type(node), "prim::ListConstruct"))
    cells = _target_cells(emitter, node)
    bound = sorted(writes([node]) & set(emitter.scope.locals))

    def collect() -> None:
        if isinstance(node, ast.DictComp):
            key = emitter.expression(node.key)
            value = emitter.expression(node.value)
            emitter.at(node)
            emitter.value("prim::SetItem", made, key, value)
            return
        value = emitter.expression(node.elt)
        emitter.at(node)
        name = "add" if isinstance(node, ast.SetComp) else "append"
        emitter.value("prim::CallMethod", made, value, name=name)

    comprehension(emitter, node.generators, collect, bound)
    for name in cells:
        del emitter.env[name]
    emitter.cells -= cells
    return made


def _target_cells(emitter: Emitter, node: Any) -> set[str]:
    """Make the cells of those targets that functions inside a comprehension read."""
    captured = captured_targets(node)
    made: set[str] = set()
    if isinstance(node, ast.GeneratorExp):
        _check_generator(emitter, node, {name for _, name in captured})
        return made
    for clause, name in captured:
        own = own_name(name, clause)
        given = emitter.uninitialized(name)
        emitter.env[own] = emitter.value("prim::CellCreate", given, name=name)
        made.add(own)
    emitter.cells |= made
    return made


def _check_generator(
    emitter: Emitter, node: ast.GeneratorExp, captured: set[str]
) -> None:
    # What its functions find depends on when each is called: between two elements, or
    # after the last. Here all elements are made at once.
    for function in handed_out(node.elt):
        names = free_names(function) & captured
        if names:
            name = min(names)
            error = error_at(
                emitter.places(function),
                f"this function reads {name!r} of the generator around it, whose "
                "elements are all made at once here",
                "make it a list comprehension, or let the function keep the value: "
                f"lambda {name}={name}",
            )
            raise error


_RULES: dict[type, Callable[[Emitter, Any], Value]] = {
    ast.Attribute: _attribute,
    ast.BinOp: _binary,
    ast.Call: call,
    ast.Compare: _compare,
    ast.Constant: _constant,
    ast.Dict: _dict,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.IfExp: _ternary,
    ast.JoinedStr: _format,
    ast.Lambda: closure,
    ast.List: _display("prim::ListConstruct"),
    ast.ListComp: _comprehension,
    ast.Name: _name,
    ast.NamedExpr: _walrus,
    ast.Set: _display("prim::SetConstruct"),
    ast.SetComp: _comprehension,
    ast.Slice: _slice,
    ast.Subscript: _subscript,
    ast.Tuple: _display("prim::TupleConstruct"),
    ast.UnaryOp: _unary,
}
