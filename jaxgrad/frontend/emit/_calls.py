"""Calls, and the functions that are defined inside a function."""

from __future__ import annotations

import ast
from collections.abc import Container
from typing import Any

from jaxgrad.frontend.emit._emitter import Emitter
from jaxgrad.frontend.emit._syntax import literal, mangled
from jaxgrad.graph import Value, types

# Keyword arguments that would hide what the emitter itself says of a node.
_OWN = frozenset({"layout", "name"})


def call(emitter: Emitter, node: ast.Call) -> Value:
    """A call: of a method, a library function, a Function, or of any other value."""
    if _is_super(node) and "super" not in emitter.scope.locals:
        return emitter.value("prim::Super", emitter.env[_self(emitter)])
    known = emitter.callee(node.func)
    if known is not None and known[0] == "function":
        return _apply(emitter, node, known[1])
    if known is not None:
        return _library(emitter, node, known[1])
    if isinstance(node.func, ast.Attribute):
        owner = emitter.expression(node.func.value)
        values, how = _arguments(emitter, node)
        emitter.at(node)
        name = mangled(emitter.owner, node.func.attr)
        return emitter.value("prim::CallMethod", owner, *values, **how, name=name)
    name = node.func.id if isinstance(node.func, ast.Name) else "<value>"
    return _call(emitter, node, name)


def _call(emitter: Emitter, node: ast.Call, name: str) -> Value:
    """A call of which nothing is known."""
    callee = emitter.expression(node.func)
    values, how = _arguments(emitter, node)
    emitter.at(node)
    return emitter.value("prim::CallFunction", callee, *values, name=name, **how)


def call_value(emitter: Emitter, callee: Value, *args: Value) -> Value:
    """A call of a value with positional arguments."""
    return emitter.value("prim::CallFunction", callee, *args, name="<value>")


def _is_super(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args


def _self(emitter: Emitter) -> str:
    args = emitter.function.args
    return [*args.posonlyargs, *args.args][0].arg


def _arguments(
    emitter: Emitter, node: ast.Call, literals: Container[str | None] = ()
) -> tuple[list[Value], dict[str, Any]]:
    """The values of the arguments, and how they are passed if not by position.

    Args:
        emitter: the emitter.
        node: the call.
        literals: the names of keyword arguments that are no values.

    Returns:
        The values, and the attribute that says how they are passed, if one is needed.
    """
    values, layout = [], []
    for arg in node.args:
        starred = isinstance(arg, ast.Starred)
        values.append(emitter.expression(arg.value if starred else arg))
        layout.append("*" if starred else "")
    for keyword in node.keywords:
        if keyword.arg not in literals:
            values.append(emitter.expression(keyword.value))
            layout.append(keyword.arg or "**")
    return values, {"layout": layout} if any(layout) else {}


def _library(emitter: Emitter, node: ast.Call, path: str) -> Value:
    """A function of a library, by its path; literal keywords are attributes."""
    plain = [k for k in node.keywords if k.arg is not None and k.arg not in _OWN]
    parts = {str(k.arg): literal(k.value) for k in plain}
    literals = {name: value for name, (known, value) in parts.items() if known}
    values, how = _arguments(emitter, node, literals)
    emitter.at(node)
    return emitter.value(f"py::{path}", *values, **how, **literals)


def _apply(emitter: Emitter, node: ast.Call, function: Any) -> Value:
    """An application of a Function: literal arguments are its scalars."""
    if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
        return _call(emitter, node, function.__name__)
    letters, scalars, values = "", [], []
    for arg in node.args:
        known, value = literal(arg)
        letters += "c" if known else "d"
        if known:
            scalars.append(value)
        else:
            values.append(emitter.expression(arg))
    emitter.at(node)
    applied = emitter.graph.create_python_op(function.apply, letters, scalars)
    for value in values:
        applied.add_input(value)
    applied._source = emitter.place
    applied.output()._type = types.AnyType.get()
    return emitter.graph.insert_node(applied).output()


def closure(emitter: Emitter, node: ast.FunctionDef | ast.Lambda) -> Value:
    """A function that is defined here: a program, with what it captures."""
    place, args = emitter.place, node.args
    given = [d for d in (*args.defaults, *args.kw_defaults) if d is not None]
    defaults = [emitter.expression(d) for d in given]
    program = emitter.nested(node)
    captured = [emitter.captured(name) for name in program.captures]
    emitter.place = place
    return emitter.value(
        "prim::Closure",
        *captured,
        *defaults,
        name=program.name,
        graph=program.graph,
        program=program,
        defaults=_with_defaults(args),
    )


def _with_defaults(args: ast.arguments) -> list[str]:
    """The names of the parameters that have a default, in the order of these."""
    plain = [a.arg for a in (*args.posonlyargs, *args.args)]
    pairs = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    named = [a.arg for a, default in pairs if default is not None]
    return plain[len(plain) - len(args.defaults) :] + named
