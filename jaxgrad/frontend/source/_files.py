"""Files of source, parsed once for each version of their text.

- `File`: the lines, the tree, the definitions by line, the compiled code;
- `file_of`: the file of a name, as linecache knows it; `line_of`: one of its lines.
"""

from __future__ import annotations
import __future__

import ast
import linecache
import warnings
from collections.abc import Iterator
from functools import cached_property
from types import CodeType
from typing import Any

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef

# The flags of code that say which `from __future__ import` hold.
FUTURES = 0
for _name in __future__.all_feature_names:
    FUTURES |= getattr(__future__, _name).compiler_flag

_KEPT_FILES = 64


def split_lines(text: str) -> list[str]:
    r"""The lines of source as Python's parser counts them, without their ends.

    A form feed, which `str.splitlines` splits at, is a character of its line.

    Args:
        text: the source.

    Returns:
        The lines.

    Example:
        >>> split_lines("a = 1\r\n\fb = 2\n")
        ['a = 1', '\x0cb = 2', '']
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


class File:
    """One version of a file's text; its parts are made when they are asked for."""

    def __init__(self, filename: str, given: list[str]) -> None:
        self.filename = filename
        self.given = given
        self.text = "".join(given)
        self._codes: dict[int, dict[tuple[str, int], list[CodeType]]] = {}

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return split_lines(self.text)

    @cached_property
    def tree(self) -> ast.Module | None:
        """The parsed text, None where it isn't Python."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes; told at import
            try:
                return ast.parse(self.text, self.filename)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return None

    @cached_property
    def definitions(self) -> dict[tuple[str, int], list[Definition]]:
        """The functions, lambdas and classes, by name and first line."""
        found: dict[tuple[str, int], list[Definition]] = {}
        for node in ast.walk(self.tree) if self.tree else ():
            if isinstance(node, Definition):
                name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
                found.setdefault((name, first_line(node)), []).append(node)
        return found

    def codes(self, futures: int = 0) -> dict[tuple[str, int], list[CodeType]]:
        """The code of the functions that the text makes, by name and first line.

        Args:
            futures: the flags of code whose text inherited `from __future__ import`.

        Returns:
            The code.
        """
        if futures not in self._codes:
            self._codes[futures] = self._compile(futures)
        return self._codes[futures]

    def _compile(self, futures: int) -> dict[tuple[str, int], list[CodeType]]:
        if self.tree is None:
            return {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                flags = futures | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # as notebooks have
                code = compile(self.tree, self.filename, "exec", flags, True)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return {}
        found: dict[tuple[str, int], list[CodeType]] = {}
        for inner in _inner_codes(code):
            key = inner.co_name, inner.co_firstlineno
            found.setdefault(key, []).append(inner)
        return found

    def character(self, line: int, column: int) -> int:
        """The column in characters of one that is counted in bytes, as `ast` does."""
        if not 0 < line <= len(self.lines):
            return column
        text = self.lines[line - 1]
        if text.isascii():
            return column
        return len(text.encode()[:column].decode(errors="ignore"))


def _inner_codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inner_codes(constant)


def first_line(node: Definition) -> int:
    """The line on which a definition begins, its decorators included."""
    decorators = getattr(node, "decorator_list", ())
    return min([node.lineno, *(d.lineno for d in decorators)])


_files: dict[str, File] = {}


def file_of(
    filename: str, namespace: dict[str, Any] | None = None, *, fresh: bool = False
) -> File | None:
    """The file of a name, None where there is no source.

    Args:
        filename: the name, as the compiler was told.
        namespace: the globals of its module, by which a loader is asked.
        fresh: whether the file is read again if it changed on disk.

    Returns:
        The file.
    """
    if fresh:
        linecache.checkcache(filename)
    given = linecache.getlines(filename, namespace)
    if not given:  # what was read once may still be what was compiled
        return _files.get(filename)
    found = _files.get(filename)
    # linecache hands out its own list, so that the first test is nearly always enough.
    if found is None or not (found.given is given or found.given == given):
        if len(_files) >= _KEPT_FILES:
            _files.pop(next(iter(_files)), None)
        found = _files[filename] = File(filename, given)
    return found


def line_of(filename: str, line: int) -> str:
    """A line of a file without its end, "" where there is none."""
    file = file_of(filename)
    if file is None or not 0 < line <= len(file.lines):
        return ""
    return file.lines[line - 1]
