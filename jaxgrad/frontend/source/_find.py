"""The parsed source of live functions, lambdas, methods and classes.

- `Source`: a definition, where its file says that it stands; `source_of` finds it.
- `range_of`: the source range of a node.
"""

from __future__ import annotations

import ast
import dataclasses
from types import CodeType, FunctionType, MethodType
from typing import Any, NoReturn

from jaxgrad.errors import ScriptError
from jaxgrad.frontend.source._errors import script_error
from jaxgrad.frontend.source._files import (
    FUTURES,
    Definition,
    File,
    file_of,
    first_line,
)
from jaxgrad.frontend.source._find_class import find_class
from jaxgrad.frontend.source._lambdas import innermost, matching
from jaxgrad.frontend.source._same import contains_code, is_rewritten, same_code
from jaxgrad.graph import SourceRange

# What `exec` calls its text, and `python -c` its own: nobody knows whose it is.
_NOBODYS = "<string>"
_WAYS_OUT = "put it into a file, or give its source as a string: script(source_string)"


@dataclasses.dataclass(frozen=True)
class Source:
    """The source of a function, a lambda or a class.

    Attributes:
        filename: the file, as the compiler was told.
        node: the definition, at its place in the file. It is shared: don't change it.
        name: its name; "<lambda>" for a lambda.
    """

    filename: str
    node: Definition
    name: str

    def lines(self) -> list[str]:
        """The lines of the definition, its decorators included, without their ends."""
        file = file_of(self.filename)
        last = self.node.end_lineno or self.node.lineno
        return [] if file is None else file.lines[first_line(self.node) - 1 : last]

    def range(self, node: ast.AST | None = None) -> SourceRange:
        """Where one of its nodes stands; by default, where the definition stands.

        Args:
            node: a node inside it.

        Returns:
            The range, columns in characters.
        """
        return range_of(self, self.node if node is None else node, self.name)


def range_of(
    source: Source | str,
    node: ast.AST,
    function: str | None = None,
    file: File | None = None,
) -> SourceRange:
    """Where a node stands in the user's file.

    Args:
        source: the source that the node is part of, or the name of its file.
        node: the node. One that has no position itself, as the arguments of a function,
            is where its parts are.
        function: the name of the function around it; by default that of the source.
        file: the file, where it is at hand: looking it up takes longer than the rest.

    Returns:
        The range, columns in characters (those of `ast` are in bytes).

    Example:
        >>> from jaxgrad.frontend.source import parse_text
        >>> module, filename = parse_text("name = 'é' + other", "<example 1>")
        >>> place = range_of(filename, module.body[0].value.right)
        >>> place.column, place.end_column
        (13, 18)
    """
    if function is None:
        function = source.name if isinstance(source, Source) else ""
    filename = source.filename if isinstance(source, Source) else source
    span = _span(node)
    if span is None:
        return SourceRange(filename, 1, function=function)
    line, column, end_line, end_column = span
    file = file or file_of(filename)
    if file is not None:
        column = file.character(line, column)
        end_column = file.character(end_line, end_column)
    return SourceRange(filename, line, column, end_line, end_column, function)


def _span(node: ast.AST) -> tuple[int, int, int, int] | None:
    line = getattr(node, "lineno", None)
    column = getattr(node, "col_offset", None)
    if line is not None and column is not None:
        end_line = getattr(node, "end_lineno", None) or line
        end_column = getattr(node, "end_col_offset", None)
        return line, column, end_line, column if end_column is None else end_column
    spans = [s for s in map(_span, ast.iter_child_nodes(node)) if s is not None]
    if not spans:
        return None
    return *min(s[:2] for s in spans), *max(s[2:] for s in spans)


def source_of(obj: Any, *, unwrap: bool = True) -> Source:
    """The parsed source of a function, a lambda, a method or a class.

    Decorators are looked through (`__wrapped__`), as are bound methods and the objects
    that `staticmethod` and `classmethod` make.

    Args:
        obj: what to find.
        unwrap: whether decorators are looked through; else a function that decorates
            another one has the source of its own.

    Returns:
        Its source.

    Raises:
        ScriptError: there is none, or it isn't that of the object any more, or it can't
            be told from others on the same line.

    Example:
        >>> import textwrap
        >>> source = source_of(textwrap.dedent)
        >>> source.name, type(source.node).__name__
        ('dedent', 'FunctionDef')
    """
    if isinstance(obj, type):
        return _class_source(obj)
    plain = isinstance(obj, FunctionType) and not unwrap
    function = obj if plain else _function(obj)
    code, namespace = function.__code__, function.__globals__
    # What linecache holds may be older than the module: then it is read again.
    for fresh in (False, True):
        file = file_of(code.co_filename, namespace, fresh=fresh)
        node = None if file is None else _find(code, file, function)
        if file is not None and node is not None:
            return Source(file.filename, node, code.co_name)
    return _not_found(code, file is None or code.co_filename == _NOBODYS)


def _class_source(cls: type) -> Source:
    found = find_class(cls)
    if found is None:
        raise _no_source(f"the class {cls.__qualname__}", None)
    return Source(found[0].filename, found[1], cls.__name__)


def _not_found(code: CodeType, absent: bool) -> NoReturn:
    what = "a lambda" if code.co_name == "<lambda>" else code.co_qualname
    if absent:
        raise _no_source(what, code)
    place = SourceRange(code.co_filename, code.co_firstlineno)
    message = f"the file holds another text than the one {what} was compiled from"
    raise script_error(place, message, "import it again (or restart), then script it")


def _function(obj: Any) -> FunctionType:
    """The Python function in methods, decorators and the like."""
    seen = obj
    for _ in range(100):
        if isinstance(seen, MethodType):
            seen = seen.__func__
        elif hasattr(seen, "__wrapped__"):
            seen = seen.__wrapped__
        elif isinstance(seen, staticmethod | classmethod):
            seen = seen.__func__
        else:
            break
    if isinstance(seen, FunctionType):
        return seen
    if callable(seen) and hasattr(seen, "__name__"):
        raise _no_source(f"{seen.__name__!r} (a {type(seen).__name__})", None)
    raise ScriptError(
        f"a {type(seen).__name__} has no source, as functions, lambdas, methods and "
        f"classes have\n{_WAYS_OUT}"
    )


def _no_source(what: str, code: CodeType | None) -> ScriptError:
    message = f"the source of {what} can't be found"
    if code is None:
        return ScriptError(f"{message}\n{_WAYS_OUT}")
    message += f": there is no text of {code.co_filename!r}"
    place = SourceRange(code.co_filename, code.co_firstlineno)
    return script_error(place, message, _WAYS_OUT)


def _find(code: CodeType, file: File, function: FunctionType) -> Definition | None:
    """The definition that code was compiled from, None if the file isn't its own."""
    key = code.co_name, code.co_firstlineno
    nodes = file.definitions.get(key) or _around(code, file)
    fitting = [n for n in nodes if not isinstance(n, ast.ClassDef)]
    keys = {(code.co_name, first_line(node)) for node in fitting}
    made = file.codes(code.co_flags & FUTURES)
    fresh = [other for key in keys for other in made.get(key, ())]
    same = any(same_code(code, other) for other in fresh)
    if not same and is_rewritten(function.__globals__):
        same = any(contains_code(code, other) for other in fresh)
    if not same:
        return None
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    lambdas = [n for n in fitting if isinstance(n, ast.Lambda)]
    best = matching(code, lambdas) or innermost(code, lambdas)
    if len(best) == 1:
        return best[0]
    place = SourceRange(code.co_filename, code.co_firstlineno)
    message = "several lambdas on this line can't be told apart"
    raise script_error(place, message, "give each a line of its own, or use `def`")


def _around(code: CodeType, file: File) -> list[Definition]:
    """The definitions of a name that a line lies in; hooks add decorators."""
    line = code.co_firstlineno
    return [
        node
        for (name, first), nodes in file.definitions.items()
        if name == code.co_name and first <= line
        for node in nodes
        if not isinstance(node, ast.Lambda) and line <= node.lineno
    ]
