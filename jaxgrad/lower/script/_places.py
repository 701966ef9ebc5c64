"""Where in the user's file the interpreter stands.

- `at`: a function that calls another from a place in the user's file, so that JAX's
  source information, XLA's locations and tracebacks show that place.
- `error_at`: an error that Python draws with the line and carets.
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import functools
import linecache
import re
from collections.abc import Callable, Sequence
from typing import Any

from jaxgrad.errors import ScriptError
from jaxgrad.graph import SourceRange


@functools.lru_cache(maxsize=65536)
def at(place: SourceRange) -> Callable[..., Any]:
    """A function `(callee, args, kwargs)` whose code stands at `place`."""
    first = max(place.column or 0, 0)
    last = first + 1 if place.end_column is None else place.end_column
    position = {
        "lineno": place.line,
        "end_lineno": place.end_line or place.line,
        "col_offset": first,
        "end_col_offset": last,
    }

    def name(text: str) -> ast.Name:
        return ast.Name(text, ast.Load(), **position)

    call = ast.Call(
        name("f"),
        [ast.Starred(name("a"), ast.Load(), **position)],
        [ast.keyword(None, name("k"), **position)],
        **position,
    )
    args = ast.arguments(
        [], [ast.arg(n, **position) for n in "fak"], None, [], [], None, []
    )
    tree = ast.Expression(ast.Lambda(args, call, **position))
    outer = compile(tree, place.filename, "eval")
    code = next(c for c in outer.co_consts if hasattr(c, "co_code"))
    label = place.function or "<script>"
    return _function(code.replace(co_name=label, co_qualname=label))


def _function(code: Any) -> Callable[..., Any]:
    # `warnings` looks for these in the frame that a warning is about.
    names = {"__builtins__": builtins, "__name__": "script"}
    return type(_function)(code, names)


def call_at(
    place: SourceRange | None,
    callee: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any] | None = None,
) -> Any:
    """What `callee` makes of the arguments, called from a place."""
    if place is None:
        return callee(*args, **(kwargs or {}))
    return at(place)(callee, args, kwargs or {})


def error_at(
    place: SourceRange | None,
    message: str,
    remedy: str = "",
    *,
    also: Sequence[tuple[str, SourceRange | None]] = (),
    kind: type[ScriptError] = ScriptError,
) -> ScriptError:
    """An error at a place in the user's source.

    Args:
        place: the place.
        message: one sentence that says what is wrong.
        remedy: the way out; a line of its own.
        also: more places, each with what is there; they become notes.
        kind: the class of the error.

    Returns:
        The error.
    """
    text = f"{message}\n  {remedy}" if remedy else message
    if place is None:
        return kind(text)
    column, end = place.column, place.end_column
    details = (
        place.filename,
        place.line,
        None if column is None else column + 1,
        linecache.getline(place.filename, place.line) or None,
        place.end_line or place.line,
        None if end is None else end + 1,
    )
    error = kind(text, details)
    for what, where in also:
        if where is not None:
            error.add_note(f"{what}, {where.text()}:\n{_indented(where.highlight())}")
    return error


def narrowed(place: SourceRange, name: str) -> SourceRange:
    """The part of a place where a name is read; all of it if that isn't found."""
    last = place.end_line or place.line
    read = re.compile(rf"(?<![\w.\"']){re.escape(name)}(?!\w|\s*=[^=])")
    for number in range(place.line, last + 1):
        line = linecache.getline(place.filename, number)
        start = (place.column or 0) if number == place.line else 0
        end = place.end_column if number == last else None
        found = read.search(line, start, len(line) if end is None else end)
        if found is not None:
            first, end = found.span()
            return dataclasses.replace(
                place, line=number, column=first, end_line=number, end_column=end
            )
    return place


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
