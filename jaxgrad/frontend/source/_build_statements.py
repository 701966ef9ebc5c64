"""Tree views of parsed statements.

- `statement(builder, node)`: the view of a statement; `block`: of several.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from jaxgrad.frontend.source import _tree_statements as views
from jaxgrad.frontend.source._build import Builder, expression, expressions, maybe
from jaxgrad.frontend.source._errors import script_error
from jaxgrad.frontend.source._supported import unsupported
from jaxgrad.frontend.source._tree import Ident, Stmt
from jaxgrad.frontend.source._type_comments import comment_type


def statement(b: Builder, node: ast.stmt) -> Stmt:
    """The view of a statement.

    Args:
        b: the source.
        node: the statement.

    Returns:
        The view; a ScriptError if script's language leaves it out.
    """
    return _VIEWS.get(type(node).__name__, _refuse)(b, node)


def _refuse(b: Builder, node: ast.AST) -> NoReturn:
    raise unsupported(b.filename, node, b.function)


def block(b: Builder, nodes: Sequence[ast.stmt]) -> tuple[Stmt, ...]:
    """The views of several statements."""
    return tuple(statement(b, node) for node in nodes)


def _assign(b: Builder, node: ast.Assign) -> Stmt:
    targets, value = expressions(b, node.targets), expression(b, node.value)
    type_ = maybe(b, comment_type(b.filename, node))
    place = b.range(node)
    return views.Assign(targets, value, type_, commented=type_ is not None, place=place)


def _annotated(b: Builder, node: ast.AnnAssign) -> Stmt:
    target, value = expression(b, node.target), maybe(b, node.value)
    type_ = expression(b, node.annotation)
    wrapped = isinstance(node.target, ast.Name) and not node.simple
    place = b.range(node)
    return views.Assign((target,), value, type_, parenthesized=wrapped, place=place)


def _augmented(b: Builder, node: ast.AugAssign) -> Stmt:
    parts = expression(b, node.target), b.operator(node.op), expression(b, node.value)
    return views.AugAssign(*parts, place=b.range(node))


def _expression(b: Builder, node: ast.Expr) -> Stmt:
    return views.ExprStmt(expression(b, node.value), place=b.range(node))


def _delete(b: Builder, node: ast.Delete) -> Stmt:
    return views.Delete(b.range(node), expressions(b, node.targets))


def _assert(b: Builder, node: ast.Assert) -> Stmt:
    return views.Assert(b.range(node), expression(b, node.test), maybe(b, node.msg))


def _if(b: Builder, node: ast.If) -> Stmt:
    branches = block(b, node.body), block(b, node.orelse)
    return views.If(b.range(node), expression(b, node.test), *branches)


def _while(b: Builder, node: ast.While) -> Stmt:
    bodies = block(b, node.body), block(b, node.orelse)
    return views.While(b.range(node), expression(b, node.test), *bodies)


def _for(b: Builder, node: ast.For) -> Stmt:
    head = (expression(b, node.target),), (expression(b, node.iter),)
    bodies = block(b, node.body), block(b, node.orelse)
    return views.For(b.range(node), *head, *bodies)


def _with(b: Builder, node: ast.With) -> Stmt:
    items = tuple(
        views.WithItem(
            b.range(item),
            expression(b, item.context_expr),
            maybe(b, item.optional_vars),
        )
        for item in node.items
    )
    return views.With(b.range(node), items, block(b, node.body))


def _return(b: Builder, node: ast.Return) -> Stmt:
    return views.Return(b.range(node), maybe(b, node.value))


def _raise(b: Builder, node: ast.Raise) -> Stmt:
    if node.exc is None:
        message = "`raise` without an exception can't be compiled"
        remedy = "name what is raised, as in raise ValueError('...')"
        raise script_error(b.range(node), message, remedy)
    return views.Raise(b.range(node), expression(b, node.exc), maybe(b, node.cause))


def _outer(word: str) -> Callable[[Builder, Any], Stmt]:
    def view(b: Builder, node: Any) -> Stmt:
        place = b.range(node)
        return views.Outer(place, word, tuple(Ident(place, n) for n in node.names))

    return view


def _word(kind: Callable[..., Stmt]) -> Callable[[Builder, Any], Stmt]:
    return lambda b, node: kind(b.range(node))


def _function(b: Builder, node: ast.FunctionDef) -> Stmt:
    from jaxgrad.frontend.source._build_definitions import definition

    return definition(Builder(b.filename, node.name), node)


_VIEWS: dict[str, Callable[[Builder, Any], Stmt]] = {
    "Assign": _assign,
    "AnnAssign": _annotated,
    "AugAssign": _augmented,
    "Expr": _expression,
    "Delete": _delete,
    "Assert": _assert,
    "If": _if,
    "While": _while,
    "For": _for,
    "With": _with,
    "Return": _return,
    "Raise": _raise,
    "Global": _outer("global"),
    "Nonlocal": _outer("nonlocal"),
    "Break": _word(views.Break),
    "Continue": _word(views.Continue),
    "Pass": _word(views.Pass),
    "FunctionDef": _function,
}
