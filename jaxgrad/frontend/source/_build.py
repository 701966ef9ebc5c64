"""Tree views of parsed expressions.

- `Builder`: a source whose nodes are viewed; `expression(builder, node)` views one.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from jaxgrad.frontend.source import _tree_comprehensions as loops
from jaxgrad.frontend.source import _tree_expressions as views
from jaxgrad.frontend.source import _tree_values as values
from jaxgrad.frontend.source._errors import script_error
from jaxgrad.frontend.source._find import range_of
from jaxgrad.frontend.source._supported import unsupported
from jaxgrad.frontend.source._tree import Expr, Ident
from jaxgrad.graph import SourceRange

_BINARY = {node: op for op, node in views.BINARY.items()}
_BOOLEAN = {node: op for op, node in views.BOOLEAN.items()}
_COMPARED = {node: op for op, node in views.COMPARED.items()}
_UNARY = {node: op for op, node in views.UNARY.items()}


@dataclasses.dataclass(frozen=True)
class Builder:
    """A source whose nodes are viewed.

    Attributes:
        filename: its file.
        function: the name of the function that is viewed.
        self_name: the type of `self`, where that is a method; "" where it is none.
    """

    filename: str
    function: str = ""
    self_name: str = ""

    def range(self, node: ast.AST) -> SourceRange:
        """Where a node stands."""
        return range_of(self.filename, node, self.function)

    def operator(self, node: ast.AST) -> str:
        """An operator, as it is written."""
        kind: Any = type(node)
        tables: tuple[dict[Any, str], ...] = (_BINARY, _BOOLEAN, _COMPARED, _UNARY)
        return next(table[kind] for table in tables if kind in table)

    def ident(self, node: ast.AST, name: str) -> Ident:
        """A name that is a part of a node."""
        place = self.range(node)
        if isinstance(node, ast.Attribute):  # its name ends where it ends
            start = max((place.end_column or 0) - len(name), 0)
            line = place.end_line or place.line
            place = dataclasses.replace(place, line=line, column=start)
        elif isinstance(node, ast.keyword | ast.arg) and place.column is not None:
            end = place.column + len(name)
            place = dataclasses.replace(place, end_line=place.line, end_column=end)
        return Ident(place, name)


def expression(b: Builder, node: ast.expr) -> Expr:
    """The view of an expression.

    Args:
        b: the source.
        node: the expression.

    Returns:
        The view; a ScriptError if script's language leaves it out.
    """
    return _VIEWS.get(type(node).__name__, _refuse)(b, node)


def _refuse(b: Builder, node: ast.AST) -> NoReturn:
    raise unsupported(b.filename, node, b.function)


def expressions(b: Builder, nodes: Sequence[ast.expr]) -> tuple[Expr, ...]:
    """The views of several expressions."""
    return tuple(expression(b, node) for node in nodes)


def maybe(b: Builder, node: ast.expr | None) -> Expr | None:
    """The view of an expression that may be absent."""
    return None if node is None else expression(b, node)


def _constant(b: Builder, node: ast.Constant) -> Expr:
    value, place = node.value, b.range(node)
    if value is True:
        return values.TrueLiteral(place)
    if value is False:
        return values.FalseLiteral(place)
    if value is None:
        return values.NoneLiteral(place)
    if value is ...:
        return values.Dots(place)
    if isinstance(value, str):
        return values.StringLiteral(place, value, prefix=node.kind)
    if isinstance(value, bytes):
        return values.BytesLiteral(place, value)
    return values.Const(place, str(value))


def _name(b: Builder, node: ast.Name) -> Expr:
    return values.Var(b.ident(node, node.id), place=b.range(node))


def _joined(b: Builder, node: ast.JoinedStr) -> Expr:
    return values.JoinedStr(b.range(node), expressions(b, node.values))


def _formatted(b: Builder, node: ast.FormattedValue) -> Expr:
    conversion = "" if node.conversion == -1 else chr(node.conversion)
    spec: Any = maybe(b, node.format_spec)
    value = expression(b, node.value)
    return values.FormattedValue(value, conversion, spec, place=b.range(node))


def _display(kind: Callable[..., Expr]) -> Callable[[Builder, Any], Expr]:
    return lambda b, node: kind(b.range(node), expressions(b, node.elts))


def _dict(b: Builder, node: ast.Dict) -> Expr:
    keys: list[Expr] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            other = expression(b, value)
            keys.append(values.Starred(b.range(value), other))
        else:
            keys.append(expression(b, key))
    return values.DictLiteral(b.range(node), tuple(keys), expressions(b, node.values))


def _starred(b: Builder, node: ast.Starred) -> Expr:
    return values.Starred(b.range(node), expression(b, node.value))


def _binary(b: Builder, node: ast.BinOp) -> Expr:
    parts = b.operator(node.op), expression(b, node.left), expression(b, node.right)
    return views.BinOp(*parts, place=b.range(node))


def _boolean(b: Builder, node: ast.BoolOp) -> Expr:
    op, parts = b.operator(node.op), expressions(b, node.values)
    if len(parts) == 2:
        return views.BinOp(op, *parts, place=b.range(node))
    return views.BoolOp(op, parts, place=b.range(node))


def _compare(b: Builder, node: ast.Compare) -> Expr:
    ops = tuple(b.operator(op) for op in node.ops)
    parts = expressions(b, [node.left, *node.comparators])
    if len(ops) == 1:
        return views.BinOp(ops[0], *parts, place=b.range(node))
    return views.Compare(ops, parts, place=b.range(node))


def _unary(b: Builder, node: ast.UnaryOp) -> Expr:
    return views.UnaryOp(
        b.range(node), b.operator(node.op), expression(b, node.operand)
    )


def _ternary(b: Builder, node: ast.IfExp) -> Expr:
    parts = expressions(b, [node.test, node.body, node.orelse])
    return views.TernaryIf(*parts, place=b.range(node))


def _named(b: Builder, node: ast.NamedExpr) -> Expr:
    target: Any = expression(b, node.target)
    return views.NamedExpr(target, expression(b, node.value), place=b.range(node))


def keywords(b: Builder, nodes: Sequence[ast.keyword]) -> tuple[views.Attribute, ...]:
    """The views of keyword arguments."""
    return tuple(
        views.Attribute(
            b.ident(node, node.arg or "**"),
            expression(b, node.value),
            place=b.range(node),
        )
        for node in nodes
    )


def _call(b: Builder, node: ast.Call) -> Expr:
    function, args = expression(b, node.func), expressions(b, node.args)
    named = keywords(b, node.keywords)
    return views.Apply(function, args, named, place=b.range(node))


def _attribute(b: Builder, node: ast.Attribute) -> Expr:
    name = b.ident(node, node.attr)
    return views.Select(expression(b, node.value), name, place=b.range(node))


def _slice(b: Builder, node: ast.Slice) -> Expr:
    parts = (maybe(b, part) for part in (node.lower, node.upper, node.step))
    return views.SliceExpr(b.range(node), *parts)


def _subscript(b: Builder, node: ast.Subscript) -> Expr:
    base, index = expression(b, node.value), node.slice
    several = isinstance(index, ast.Tuple) and bool(index.elts)
    parts = index.elts if several else [index]  # type: ignore[union-attr]
    one = several and len(parts) == 1
    indices = expressions(b, parts)
    return views.Subscript(base, indices, one_tuple=one, place=b.range(node))


def _generators(b: Builder, node: Any) -> tuple[loops.Generator, ...]:
    made = []
    for part in node.generators:
        place = b.range(part)
        if part.is_async:
            remedy = "compiled code runs to its end: use a plain loop"
            message = "an async comprehension can't be compiled"
            raise script_error(place, message, remedy)
        views_ = expression(b, part.target), expression(b, part.iter)
        ifs = expressions(b, part.ifs)
        made.append(loops.Generator(*views_, ifs, place=place))
    return tuple(made)


def _comprehension(kind: Callable[..., Expr]) -> Callable[[Builder, Any], Expr]:
    return lambda b, node: kind(
        b.range(node), expression(b, node.elt), _generators(b, node)
    )


def _dict_comprehension(b: Builder, node: ast.DictComp) -> Expr:
    parts = expression(b, node.key), expression(b, node.value)
    return loops.DictComp(b.range(node), *parts, _generators(b, node))


def _lambda(b: Builder, node: ast.Lambda) -> Expr:
    from jaxgrad.frontend.source._build_definitions import declaration
    from jaxgrad.frontend.source._tree_definitions import Lambda

    decl = declaration(b, node, b.range(node))
    return Lambda(b.range(node), decl, expression(b, node.body))


_VIEWS: dict[str, Callable[[Builder, Any], Expr]] = {
    "Constant": _constant,
    "Name": _name,
    "JoinedStr": _joined,
    "FormattedValue": _formatted,
    "List": _display(values.ListLiteral),
    "Tuple": _display(values.TupleLiteral),
    "Set": _display(values.SetLiteral),
    "Dict": _dict,
    "Starred": _starred,
    "BinOp": _binary,
    "BoolOp": _boolean,
    "Compare": _compare,
    "UnaryOp": _unary,
    "IfExp": _ternary,
    "NamedExpr": _named,
    "Call": _call,
    "Attribute": _attribute,
    "Slice": _slice,
    "Subscript": _subscript,
    "ListComp": _comprehension(loops.ListComp),
    "SetComp": _comprehension(loops.SetComp),
    "GeneratorExp": _comprehension(loops.GeneratorExp),
    "DictComp": _dict_comprehension,
    "Lambda": _lambda,
}
