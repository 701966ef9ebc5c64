"""What script's language leaves out.

- `check`: refuses source that holds any of it.
- `unsupported`: the error about one node.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator

from jaxgrad.errors import ScriptError
from jaxgrad.frontend.source._errors import script_error
from jaxgrad.frontend.source._files import line_of
from jaxgrad.frontend.source._find import Source, range_of
from jaxgrad.graph import SourceRange

_HANDLING = (
    "compiled code can't catch exceptions: test for the case with `if`, or put the "
    "`try` round the call of the scripted function"
)
_ASYNC = "compiled code runs to its end: use a plain function"
_GENERATOR = "return a list, or an array, instead of yielding its parts one by one"
_IMPORT = "import it at the top of the module"
_TYPE = "define it outside the function"
_MATCH = "write it as if, elif and else"

# By the names of the classes, as newer ones are not in every Python.
_LEFT_OUT: dict[str, tuple[str, str]] = {
    "Try": ("`try`", _HANDLING),
    "TryStar": ("`try`", _HANDLING),
    "AsyncFunctionDef": ("`async def`", _ASYNC),
    "AsyncFor": ("`async for`", _ASYNC),
    "AsyncWith": ("`async with`", _ASYNC),
    "Await": ("`await`", _ASYNC),
    "Yield": ("`yield`", _GENERATOR),
    "YieldFrom": ("`yield from`", _GENERATOR),
    "Import": ("`import`", _IMPORT),
    "ImportFrom": ("`import`", _IMPORT),
    "Match": ("`match`", _MATCH),
    "ClassDef": ("a class inside a function", _TYPE),
    "TypeAlias": ("a type alias inside a function", _TYPE),
    "TemplateStr": ("a template string", "use an f-string"),
}
_SCOPES = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
    ast.ClassDef,
)
_MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def unsupported(source: Source | str, node: ast.AST, function: str = "") -> ScriptError:
    """The error about a node that script's language leaves out.

    Args:
        source: the source that the node is part of, or the name of its file.
        node: the node.
        function: the name of the function around it.

    Returns:
        The error, for the caller to raise.
    """
    name = type(node).__name__
    what, remedy = _LEFT_OUT.get(name, (f"this ({name})", "write it another way"))
    place = _header(range_of(source, node, function or None), node)
    return script_error(place, f"{what} can't be compiled", remedy)


_HEADER = re.compile(r"try|class\s+\w+|async\s+def\s+\w+")


def _header(place: SourceRange, node: ast.AST) -> SourceRange:
    """Of a compound statement what names it; of others all."""
    line = line_of(place.filename, place.line)
    found = _HEADER.match(line, place.column or 0)
    if isinstance(node, ast.Match):
        end = range_of(place.filename, node.subject)
    elif found is not None:
        end = SourceRange("", place.line, 0, place.line, found.end())
    else:
        return place
    return dataclasses.replace(place, end_line=end.end_line, end_column=end.end_column)


def check(source: Source) -> None:
    """Refuse source that holds what script's language leaves out.

    Of a class the methods are checked: its body is run by Python.

    Args:
        source: the source.

    Raises:
        ScriptError: it does; at the place of the first such node.
    """
    if isinstance(source.node, ast.ClassDef):
        for part in source.node.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                check(Source(source.filename, part, part.name))
        return
    found = sorted(_refused(source), key=lambda e: (e.lineno or 0, e.offset or 0))
    if found:
        raise found[0]


def _refused(source: Source) -> Iterator[ScriptError]:
    if isinstance(source.node, ast.AsyncFunctionDef):
        yield unsupported(source, source.node)
    # What decorates a function, annotates it or is its default was run by Python.
    todo: list[ast.AST] = [source.node]
    yield from _scope(source, source.node)
    yield from _defaults(source, source.node)
    while todo:
        parts = _body(todo.pop()) if todo[-1] is source.node else _children(todo.pop())
        for part in parts:
            yield from _node(source, part)
            if type(part).__name__ not in _LEFT_OUT:
                todo.append(part)


def _body(node: ast.AST) -> list[ast.AST]:
    return node.body if isinstance(node.body, list) else [node.body]  # type: ignore[attr-defined]


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that are carried out: no annotations."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_params"):
            continue
        for part in value if isinstance(value, list) else (value,):
            if isinstance(part, ast.AST):
                yield part


def _node(source: Source, node: ast.AST) -> Iterator[ScriptError]:
    if type(node).__name__ in _LEFT_OUT:
        yield unsupported(source, node)
    elif isinstance(node, ast.comprehension) and node.is_async:
        place = source.range(node)
        yield script_error(place, "an async comprehension can't be compiled", _ASYNC)
    elif isinstance(node, ast.Raise) and node.exc is None:
        message = "`raise` without an exception can't be compiled"
        remedy = "name what is raised, as in raise ValueError('...')"
        yield script_error(source.range(node), message, remedy)
    elif isinstance(node, _SCOPES):
        yield from _scope(source, node)
        yield from _defaults(source, node)


def _scope(source: Source, scope: ast.AST) -> Iterator[ScriptError]:
    """Writes to names that a function declares to be global or nonlocal."""
    declared: dict[str, str] = {}
    nodes = list(_within(scope))
    for node in nodes:
        if isinstance(node, ast.Global | ast.Nonlocal):
            declared |= dict.fromkeys(node.names, type(node).__name__.lower())
    for node in nodes if declared else ():
        for name in _written(node):
            if name in declared:
                message = f"{name!r} is {declared[name]}, and can't be assigned here"
                remedy = (
                    "return the new value, or keep it in an attribute of an object "
                    "that is an argument"
                )
                yield script_error(source.range(node), message, remedy)


def _within(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function's own scope, without those of functions in it."""
    todo = list(_body(scope))
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, _SCOPES):
            todo += ast.iter_child_nodes(node)


def _written(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name


def _defaults(source: Source, node: ast.AST) -> Iterator[ScriptError]:
    """Defaults that calls would share and change."""
    arguments = getattr(node, "args", None)
    if not isinstance(arguments, ast.arguments):
        return
    plain = arguments.posonlyargs + arguments.args
    pairs: list[tuple[ast.arg, ast.expr | None]] = []
    pairs += zip(plain[::-1], arguments.defaults[::-1], strict=False)
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    for parameter, default in pairs:
        if isinstance(default, _MUTABLE):
            kind = type(default).__name__.removesuffix("Comp").lower()
            message = f"the default of {parameter.arg!r} is a {kind}, which can change"
            remedy = "make the default None, and the value inside the function"
            yield script_error(source.range(default), message, remedy)
