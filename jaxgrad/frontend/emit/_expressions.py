"""How each expression becomes a value."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from jaxgrad.frontend.emit._calls import call, call_value, closure
from jaxgrad.frontend.emit._loops import comprehension
from jaxgrad.frontend.emit._names import writes

if TYPE_CHECKING:
    from jaxgrad.frontend.emit._emitter import Emitter
    from jaxgrad.graph import Value

__all__ = ["BINARY", "call_value", "closure", "expression", "index", "mangled"]

BINARY: dict[type, str] = {
    ast.Add: "add",
    ast.BitAnd: "and_",
    ast.BitOr: "or_",
    ast.BitXor: "xor",
    ast.Div: "truediv",
    ast.FloorDiv: "floordiv",
    ast.LShift: "lshift",
    ast.MatMult: "matmul",
    ast.Mod: "mod",
    ast.Mult: "mul",
    ast.Pow: "pow",
    ast.RShift: "rshift",
    ast.Sub: "sub",
}
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
    """
    emitter.at(node)
    if isinstance(node, ast.BoolOp):
        return _bool(emitter, node, truth)
    rule = _RULES.get(type(node))
    if rule is None:
        from jaxgrad.frontend.emit._statements import unsupported

        raise unsupported(emitter, node)
    return rule(emitter, node)


def literal(node: ast.AST) -> tuple[bool, Any]:
    """Whether an expression is a literal without a container, or a tuple of them."""
    if isinstance(node, ast.Constant):
        return True, node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = isinstance(node.operand, ast.Constant) and node.operand.value
        if isinstance(number, int | float | complex) and number is not False:
            return True, -number
    if isinstance(node, ast.Tuple):
        parts = [literal(each) for each in node.elts]
        return all(known for known, _ in parts), tuple([value for _, value in parts])
    return False, None


def mangled(emitter: Emitter, name: str) -> str:
    """The name of an attribute, as Python stores a class's private ones."""
    owner = emitter.owner.lstrip("_")
    private = name.startswith("__") and not name.endswith("__") and owner
    return f"_{owner}{name}" if private else name


def _constant(emitter: Emitter, node: ast.Constant) -> Value:
    return emitter.constant(node.value)


def _name(emitter: Emitter, node: ast.Name) -> Value:
    return emitter.read(node.id)


def _binary(emitter: Emitter, node: ast.BinOp) -> Value:
    left = expression(emitter, node.left)
    right = expression(emitter, node.right)
    emitter.at(node)
    return emitter.value(f"py::operator.{BINARY[type(node.op)]}", left, right)


def _unary(emitter: Emitter, node: ast.UnaryOp) -> Value:
    known, value = literal(node)
    if known:
        return emitter.constant(value)
    operand = expression(emitter, node.operand, truth=isinstance(node.op, ast.Not))
    emitter.at(node)
    return emitter.value(f"py::operator.{_UNARY[type(node.op)]}", operand)


def _bool(emitter: Emitter, node: ast.BoolOp, truth: bool) -> Value:
    word = "and" if isinstance(node.op, ast.And) else "or"

    def rest(first: Value, others: Sequence[ast.expr]) -> Value:
        if not others:
            return first
        emitter.at(node)

        def more() -> Value:
            second = expression(emitter, others[0], truth=truth)
            return rest(second, others[1:])

        arms: tuple[Callable[[], Value], ...] = (more, lambda: first)
        arms = arms if word == "and" else arms[::-1]
        found = emitter.choose(first, arms, None, logical=word, truth=truth)
        assert found is not None
        return found

    return rest(expression(emitter, node.values[0], truth=truth), node.values[1:])


def _compare(emitter: Emitter, node: ast.Compare) -> Value:
    def rest(left: Value, ops: Sequence[ast.cmpop], others: Sequence[Any]) -> Value:
        right = expression(emitter, others[0])
        emitter.at(node)
        first = _comparison(emitter, ops[0], left, right)
        if len(ops) == 1:
            return first
        arms = (lambda: rest(right, ops[1:], others[1:]), lambda: first)
        found = emitter.choose(first, arms, None, logical="and")
        assert found is not None
        return found

    return rest(expression(emitter, node.left), node.ops, node.comparators)


def _comparison(emitter: Emitter, op: ast.cmpop, left: Value, right: Value) -> Value:
    kind = f"py::operator.{_COMPARE[type(op)]}"
    if isinstance(op, ast.In | ast.NotIn):
        left, right = right, left
    found = emitter.value(kind, left, right)
    if isinstance(op, ast.NotIn):
        return emitter.value("py::operator.not_", found)
    return found


def _ternary(emitter: Emitter, node: ast.IfExp) -> Value:
    test = expression(emitter, node.test, truth=True)
    emitter.at(node)
    arms = (
        lambda: expression(emitter, node.body),
        lambda: expression(emitter, node.orelse),
    )
    found = emitter.choose(test, arms, None)
    assert found is not None
    return found


def _attribute(emitter: Emitter, node: ast.Attribute) -> Value:
    owner = expression(emitter, node.value)
    emitter.at(node)
    return emitter.value("prim::GetAttr", owner, name=mangled(emitter, node.attr))


def index(emitter: Emitter, node: ast.expr) -> Value:
    """What stands between the brackets of a subscript."""
    return expression(emitter, node)


def _subscript(emitter: Emitter, node: ast.Subscript) -> Value:
    owner = expression(emitter, node.value)
    at = index(emitter, node.slice)
    emitter.at(node)
    return emitter.value("py::operator.getitem", owner, at)


def _slice(emitter: Emitter, node: ast.Slice) -> Value:
    parts = [
        emitter.constant(None) if part is None else expression(emitter, part)
        for part in (node.lower, node.upper, node.step)
    ]
    return emitter.value("py::builtins.slice", *parts)


def _display(kind: str) -> Callable[[Emitter, Any], Value]:
    """Tuples and lists: a node of the elements, with the places of starred ones."""

    def emit(emitter: Emitter, node: ast.Tuple | ast.List | ast.Set) -> Value:
        stars = [i for i, e in enumerate(node.elts) if isinstance(e, ast.Starred)]
        values = [
            expression(emitter, e.value if isinstance(e, ast.Starred) else e)
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
            emitter.constant(None) if key is None else expression(emitter, key)
        )
        values.append(expression(emitter, value))
    emitter.at(node)
    attributes = {"merged": merged} if merged else {}
    return emitter.value("prim::DictConstruct", *values, **attributes)


def _walrus(emitter: Emitter, node: ast.NamedExpr) -> Value:
    from jaxgrad.frontend.emit._targets import assign

    value = expression(emitter, node.value)
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
        values.append(expression(emitter, part.value))
        spec = part.format_spec
        if spec is not None:
            values.append(expression(emitter, spec))
        conversion = chr(part.conversion) if part.conversion > 0 else ""
        layout.append((conversion, spec is not None))
    emitter.at(node)
    return emitter.value("prim::Format", *values, layout=tuple(layout))


def _comprehension(emitter: Emitter, node: Any) -> Value:
    kind = {ast.DictComp: "prim::DictConstruct", ast.SetComp: "prim::SetConstruct"}
    made = emitter.value(kind.get(type(node), "prim::ListConstruct"))
    bound = sorted(writes([node]) & set(emitter.scope.locals))

    def collect() -> None:
        if isinstance(node, ast.DictComp):
            key = expression(emitter, node.key)
            value = expression(emitter, node.value)
            emitter.at(node)
            emitter.value("prim::SetItem", made, key, value)
            return
        value = expression(emitter, node.elt)
        emitter.at(node)
        name = "add" if isinstance(node, ast.SetComp) else "append"
        emitter.value("prim::CallMethod", made, value, name=name)

    comprehension(emitter, node.generators, collect, bound)
    return made


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
