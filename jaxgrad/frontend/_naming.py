"""Names for the values of a trace, read from the user's source.

- `Namer`: which assignment a position lies in; `names_for` for a single question.
- `assign_names`: the names of the results of a whole program's equations.
- `argument_names`, `captured_name`: the names of what goes in; see `_incoming`.

A name is given only where it is sure: where the source is absent, or several statements
share a line and the columns aren't known, there is none.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator, Sequence
from typing import Any

from jaxgrad.frontend._incoming import argument_names as argument_names
from jaxgrad.frontend._incoming import captured_name as captured_name
from jaxgrad.frontend._incoming import captured_names as captured_names
from jaxgrad.frontend._incoming import identifier as identifier

# A file, a line and a number of outputs; then, where they are known, the column, the
# end line and the end column, in bytes (as Python counts them) or in characters.
Equation = Sequence[Any]
_Position = tuple[int, int, int, int]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Values that make no array themselves: their last equation is a part of them.
_CONTAINERS = (
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.List,
    ast.Set,
    ast.Dict,
    ast.JoinedStr,
)
_KEPT_FILES = 64


class _Assignment:
    """One assignment, or the part of `a, b = f(), g()` for one of its targets."""

    __slots__ = ("exact", "holes", "names", "results", "span", "spans", "starts")

    def __init__(
        self, names: tuple[str, ...], value: ast.expr, node: Any, lines: Sequence[str]
    ) -> None:
        augmented = isinstance(node, ast.AugAssign)
        self.names = names
        self.span = span = _span(node if augmented else value)
        self.spans = {span, _in_characters(span, lines)}
        # `a, b = f(), g()`: without columns its equations can't be told apart.
        self.exact = isinstance(value, ast.Tuple)
        self.holes = [
            _span(n.body) for n in ast.walk(value) if isinstance(n, ast.Lambda)
        ]
        places = [self.span] if augmented else list(_results(value))
        places += [_in_characters(place, lines) for place in places]
        self.results = set(places)
        self.starts = {place[:2] for place in places}

    def contains(self, place: _Position) -> bool:
        """Whether a position lies in its value, and not in the body of a lambda."""
        return any(_inside(place, span) for span in self.spans) and not any(
            _inside(place, hole) for hole in self.holes
        )

    def makes(self, place: Sequence[Any]) -> bool:
        """Whether what is at a position makes the whole value, not a part of it."""
        if len(place) < 4 or place[3] is None:
            return tuple(place[:2]) in self.starts
        return tuple(place) in self.results

    def own_lines(self) -> Iterator[int]:
        """Its lines, but for those on which nothing but a lambda's body begins."""
        first, _, last, _ = self.span
        for line in range(first, last + 1):
            if not any(first < a <= line <= b for a, _, b, _ in self.holes):
                yield line


class _File:
    """The assignments of one file, by line."""

    __slots__ = ("by_line", "lines", "names", "only", "scopes")

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.by_line: dict[int, list[_Assignment]] = {}
        self.only: dict[int, _Assignment] = {}  # of lines with a single statement
        self.scopes: dict[int, int] = {}  # the line of the innermost `def`
        try:
            tree = ast.parse("".join(lines))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            tree = ast.Module([], [])
        taken: dict[int, int] = {}
        for node in ast.walk(tree):  # from the outside in
            if isinstance(node, _FUNCTIONS):
                body = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                self.scopes |= dict.fromkeys(body, node.lineno)
            if isinstance(node, ast.stmt) and not hasattr(node, "body"):
                for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                    taken[line] = taken.get(line, 0) + 1
            self._add(node)
        for line in [line for line in self.only if taken.get(line, 0) > 1]:
            del self.only[line]
        self.names = {line: found.names for line, found in self.only.items()}

    def _add(self, node: ast.AST) -> None:
        found = list(_assignments(node, self.lines))
        for assignment in found:
            for line in range(assignment.span[0], assignment.span[2] + 1):
                self.by_line.setdefault(line, []).append(assignment)
        # Of `g(y := f(x))` the line alone doesn't tell which part an equation is.
        if found and not isinstance(node, ast.NamedExpr):
            self.only |= dict.fromkeys(found[0].own_lines(), found[0])

    def at(self, place: Sequence[Any]) -> _Assignment | None:
        """The innermost assignment at a line, or around a position."""
        if len(place) < 2 or place[1] is None:
            return self.only.get(place[0])
        line, column = place[:2]
        ends = len(place) == 4 and place[3] is not None
        end = (place[2], place[3]) if ends else (line, column + 1)
        found = [
            a for a in self.by_line.get(line, ()) if a.contains((line, column, *end))
        ]
        return found[-1] if found else None


_files: dict[str, _File] = {}


def _file(filename: str) -> _File:
    """The assignments of a file, read once for each version of it."""
    lines = linecache.getlines(filename)
    found = _files.get(filename)
    if found is None or found.lines != lines:
        if len(_files) >= _KEPT_FILES:
            _files.pop(next(iter(_files)), None)
        found = _files[filename] = _File(lines)
    return found


class Namer:
    """Says which assignment a line lies in; fast, as a trace asks for every equation.

    A file is read when it is asked for first, and not again by the same Namer.
    """

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._names: dict[str, dict[int, tuple[str, ...]]] = {}

    def target(self, filename: str, line: int) -> tuple[str, ...] | None:
        """The names that the statement on a line assigns, None if there are none.

        Args:
            filename: the file, as the compiler was told.
            line: the line, counted from 1.

        Returns:
            A name for each value; "_" for one that has no name.
        """
        try:
            return self._names[filename].get(line)
        except KeyError:
            self._names[filename] = self._open(filename).names
            return self._names[filename].get(line)

    def _open(self, filename: str) -> _File:
        found = self._files.get(filename)
        if found is None:
            found = self._files[filename] = _file(filename)
        return found

    def assign(self, equations: Sequence[Equation]) -> list[list[str | None]]:
        """See `assign_names`."""
        names: list[list[str | None]] = [[None] * e[2] for e in equations]
        for assignment, run in self._runs(equations):
            _name_last(assignment, run, equations, names)
        return names

    def _runs(
        self, equations: Sequence[Equation]
    ) -> Iterator[tuple[_Assignment, list[int]]]:
        """The equations with which each execution of an assignment could have ended."""
        # Functions that a statement calls don't end its run: each has its own.
        runs: dict[Any, tuple[_Assignment, list[int]]] = {}
        for i, equation in enumerate(equations):
            filename, line = equation[:2]
            file = self._files.get(filename) or self._open(filename)
            place = (line, *equation[3:])
            exact = len(place) > 1 and place[1] is not None
            found = file.at(place)
            if found is not None and exact and not found.makes(place):
                found = None  # a part of the value
            scope = None if exact else (filename, file.scopes.get(line))
            run = runs.get(scope)
            if run is not None and run[0] is found:
                run[1].append(i)
                continue
            if run is not None:
                yield runs.pop(scope)
            if found is not None:
                runs[scope] = found, [i]
        yield from runs.values()


def _name_last(
    assignment: _Assignment,
    run: Sequence[int],
    equations: Sequence[Equation],
    names: list[list[str | None]],
) -> None:
    """Name the outputs of the last equations of a run, if their number fits."""
    wanted = [None if name == "_" else name for name in assignment.names]
    counts = [equations[i][2] for i in run]
    if assignment.exact and sum(counts) != len(wanted):
        return
    if len(wanted) == 1 and counts[-1] > 1:
        # One name for several arrays: a tuple, whose parts get numbers.
        names[run[-1]] = wanted * counts[-1]
        return
    start = len(run)
    while start and sum(counts[start:]) < len(wanted):
        start -= 1
    if sum(counts[start:]) != len(wanted):
        return
    for i in run[start:]:
        names[i], wanted = wanted[: equations[i][2]], wanted[equations[i][2] :]


def names_for(
    filename: str,
    line: int,
    column: int | None = None,
    end_line: int | None = None,
    end_column: int | None = None,
) -> tuple[str, ...]:
    r"""The targets of the innermost simple assignment whose value a position lies in.

    Args:
        filename: the file, as the compiler was told.
        line: the line, counted from 1.
        column: the column, counted from 0; without it, an answer is given where the
            line holds a single statement.
        end_line: the last line of the position.
        end_column: the column after its end.

    Returns:
        A name for each value, "_" for one that has no name; () where there is none.

    Example:
        >>> import linecache
        >>> text = "z = jnp.sin(x) * 2\n"
        >>> linecache.cache["<example>"] = len(text), None, [text], "<example>"
        >>> names_for("<example>", 1)
        ('z',)
    """
    found = _file(filename).at((line, column, end_line, end_column))
    return () if found is None else found.names


def assign_names(equations: Sequence[Equation]) -> list[list[str | None]]:
    r"""The names of the results of equations, in the order in which they ran.

    The equation that makes the value of an assignment is named after its target. With
    columns that is the one whose position is the whole value; by the line alone it is
    the last one of the statement, functions that it called left out.

    Args:
        equations: for each the file, the line and the number of outputs; then, where
            they are known, the column, the end line and the end column.

    Returns:
        For each equation a list with a name, or None, for each output. A statement that
        runs several times gives the same names again.

    Example:
        >>> import linecache
        >>> text = "z = jnp.sin(x) * 2\n"
        >>> linecache.cache["<example>"] = len(text), None, [text], "<example>"
        >>> assign_names([("<example>", 1, 1), ("<example>", 1, 1)])
        [[None], ['z']]
    """
    return Namer().assign(equations)


def _assignments(node: ast.AST, lines: Sequence[str]) -> Iterator[_Assignment]:
    """What a node assigns: the whole, then its parts if it has some."""
    if isinstance(node, ast.Assign):
        targets, value = node.targets, node.value
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
        targets, value = [node.target], node.value
    else:
        return
    if value is None or isinstance(value, (*_CONTAINERS, ast.Constant, ast.Name)):
        return
    named = (names for names in map(_names, targets) if names and set(names) != {"_"})
    found = next(named, None)
    if found is not None:
        yield _Assignment(found, value, node, lines)
    for target in targets:
        if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple):
            pairs = zip(target.elts, value.elts, strict=False)
            if len(target.elts) != len(value.elts):
                continue
            for left, right in pairs:
                part = ast.Assign(targets=[left], value=right)
                if not isinstance(left, ast.Starred):
                    yield from _assignments(part, lines)


def _names(target: ast.expr) -> tuple[str, ...] | None:
    """The names in a target, "_" for what has none; None if it has no fixed number."""
    if isinstance(target, ast.Name):
        return (identifier(target.id) if target.id != "_" else "_",)
    if isinstance(target, ast.Attribute):
        return (identifier(target.attr),)
    if isinstance(target, ast.Tuple | ast.List):
        found = [_names(element) for element in target.elts]
        return (
            None if None in found else tuple(n for names in found for n in names or ())
        )
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        key = target.slice.value
        return (identifier(key),) if isinstance(key, str) else ("_",)
    return None if isinstance(target, ast.Starred) else ("_",)


def _results(value: ast.expr) -> Iterator[_Position]:
    """The positions of the expressions of which one makes the whole value."""
    if isinstance(value, ast.IfExp):
        yield from _results(value.body)
        yield from _results(value.orelse)
    elif isinstance(value, ast.NamedExpr | ast.Await):
        yield from _results(value.value)
    else:
        span = _span(value)
        yield span
        attribute = value.func if isinstance(value, ast.Call) else value
        if isinstance(attribute, ast.Attribute):
            # A call of a method on a later line than its object begins at its name.
            line, end = attribute.end_lineno or 0, attribute.end_col_offset or 0
            if line != span[0]:
                yield line, end - len(attribute.attr.encode()), *span[2:]


def _span(node: Any) -> _Position:
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def _inside(place: _Position, span: _Position) -> bool:
    return span[:2] <= place[:2] and place[2:] <= span[2:]


def _in_characters(place: _Position, lines: Sequence[str]) -> _Position:
    """A position that counts bytes as one that counts characters."""

    def characters(line: int, column: int) -> int:
        text = lines[line - 1]
        if text.isascii():
            return column
        return len(text.encode()[:column].decode(errors="ignore"))

    line, column, end_line, end_column = place
    return line, characters(line, column), end_line, characters(end_line, end_column)
