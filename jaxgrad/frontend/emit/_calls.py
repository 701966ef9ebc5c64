"""Calls, and the functions that are defined inside a function."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from jaxgrad.graph import types
from jaxgrad.graph._callables import resolve

if TYPE_CHECKING:
    from jaxgrad.frontend.emit._emitter import Emitter
    from jaxgrad.graph import Value

# Keyword arguments that would hide what the emitter itself says of a node.
_OWN = frozenset({"layout", "name"})


def call(emitter: Emitter, node: ast.Call) -> Value:
    """A call: of a method, a library function, a Function, or of any other value."""
    from jaxgrad.frontend.emit._expressions import expression, mangled

    if isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args:
        if "super" not in emitter.scope.locals:
            return emitter.value("prim::Super", emitter.env[_self(emitter)])
    known = emitter.callee(node.func)
    if known is not None and known[0] == "function":
        return _apply(emitter, node, known[1])
    if known is not None:
        return _library(emitter, node, known[1])
    if isinstance(node.func, ast.Attribute):
        owner = expression(emitter, node.func.value)
        values, attributes = _arguments(emitter, node)
        emitter.at(node)
        attributes["name"] = mangled(emitter, node.func.attr)
        return emitter.value("prim::CallMethod", owner, *values, **attributes)
    callee = expression(emitter, node.func)
    values, attributes = _arguments(emitter, node)
    emitter.at(node)
    name = ast.unparse(node.func) if isinstance(node.func, ast.Name) else "<value>"
    return emitter.value("prim::CallFunction", callee, *values, name=name, **attributes)


def call_value(emitter: Emitter, callee: Value, *args: Value) -> Value:
    """A call of a value with positional arguments."""
    return emitter.value("prim::CallFunction", callee, *args, name="<value>")


def _self(emitter: Emitter) -> str:
    args = emitter.function.args
    return [*args.posonlyargs, *args.args][0].arg


def _arguments(emitter: Emitter, node: ast.Call) -> tuple[list[Value], dict[str, Any]]:
    """The values of the arguments, and how they are passed if not by position."""
    from jaxgrad.frontend.emit._expressions import expression

    values, layout = [], []
    for arg in node.args:
        starred = isinstance(arg, ast.Starred)
        values.append(expression(emitter, arg.value if starred else arg))
        layout.append("*" if starred else "")
    for keyword in node.keywords:
        values.append(expression(emitter, keyword.value))
        layout.append(keyword.arg or "**")
    return values, {"layout": layout} if any(layout) else {}


def _library(emitter: Emitter, node: ast.Call, path: str) -> Value:
    """A function of a library, by its path; literal keywords are attributes."""
    from jaxgrad.frontend.emit._expressions import expression, literal

    plain = [k for k in node.keywords if k.arg not in _OWN]
    parts = {k: literal(k.value) for k in plain if k.arg is not None}
    literals = {k.arg: value for k, (known, value) in parts.items() if known}
    values, layout = [], []
    for arg in node.args:
        starred = isinstance(arg, ast.Starred)
        values.append(expression(emitter, arg.value if starred else arg))
        layout.append("*" if starred else "")
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg not in literals:
            values.append(expression(emitter, keyword.value))
            layout.append(keyword.arg or "**")
    emitter.at(node)
    how = {"layout": layout} if any(layout) else {}
    return emitter.value(f"py::{path}", *values, **how, **literals)


def _apply(emitter: Emitter, node: ast.Call, function: Any) -> Value:
    """An application of a Function: literal arguments are its scalars."""
    from jaxgrad.frontend.emit._expressions import expression, literal

    if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
        callee = expression(emitter, node.func)
        values, attributes = _arguments(emitter, node)
        emitter.at(node)
        name = function.__name__
        kind = "prim::CallFunction"
        return emitter.value(kind, callee, *values, name=name, **attributes)
    letters, scalars, values = "", [], []
    for arg in node.args:
        known, value = literal(arg)
        letters += "c" if known else "d"
        if known:
            scalars.append(value)
        else:
            values.append(expression(emitter, arg))
    emitter.at(node)
    applied = emitter.graph.create_python_op(function.apply, letters, scalars)
    for value in values:
        applied.add_input(value)
    applied._source = emitter.place
    applied.output()._type = types.AnyType.get()
    return emitter.graph.insert_node(applied).output()


def closure(emitter: Emitter, node: ast.FunctionDef | ast.Lambda) -> Value:
    """A function that is defined here: a program, with what it captures."""
    from jaxgrad.frontend.emit._emitter import Emitter as Inner
    from jaxgrad.frontend.emit._expressions import expression

    place = emitter.place
    args = node.args
    keywords = [d for d in args.kw_defaults if d is not None]
    defaults = [expression(emitter, d) for d in [*args.defaults, *keywords]]
    around = emitter.around | emitter.scope.locals | set(emitter.renamed)
    inner = Inner(
        node,
        emitter.places,
        emitter.known,
        frozenset(around),
        frozenset(emitter.cells - set(emitter.renamed)),
        emitter.owner,
    )
    program = inner.run()
    captured = [emitter.captured(name) for name in program.captures]
    given = [a.arg for a in [*args.posonlyargs, *args.args]]
    optional = given[len(given) - len(args.defaults) :] if args.defaults else []
    pairs = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    optional += [a.arg for a, d in pairs if d is not None]
    emitter.place = place
    return emitter.value(
        "prim::Closure",
        *captured,
        *defaults,
        name=program.name,
        graph=program.graph,
        program=program,
        defaults=optional,
    )


def library_path(module: str, names: list[str]) -> str | None:
    """The path of a function in a library, if a node can be named after it."""
    path = ".".join([module, *names])
    try:
        resolve(f"py::{path}")
    except Exception:
        return None
    return path
