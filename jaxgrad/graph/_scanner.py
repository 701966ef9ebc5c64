"""`Scanner`: a place in the text of a graph, and what can be read there.

- `Scanner`: words, names of values, types; `fail` raises with line, column and caret.
- `read_literal`: the attributes that `_literals.text` writes. Nothing is evaluated.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

import jax
import numpy as np

from jaxgrad.errors import GraphError, ParseError
from jaxgrad.graph import types
from jaxgrad.graph._aval_text import dtype_of

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SOURCE = re.compile(r"[ \t]*# ?([^\n]+?):(\d{1,9})[ \t\r]*(?=\n|\Z)")
_VALUE = re.compile(r"%((?:0|[1-9][0-9]{0,17})(?![\w.])|[^\W\d][\w.]*)")
# A type that has no types inside: most have none, and equal texts are equal types.
_PLAIN_TYPE = re.compile(
    r"\w+(?:<\w+>)?(?:\[[^\[\]\n]*\])?(?:\{[^{}\[\]\n]*\})?(?=\s|[,):]|\Z)"
)
_COLUMN = re.compile(r"at column (\d+)")

_REAL = r"(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|nan|inf)"
_COMPLEX = re.compile(rf"\([+-]?{_REAL}[+-]{_REAL}j\)|[+-]?{_REAL}j(?!\w)")
_NUMBER = re.compile(rf"[+-]?{_REAL}(?![\w.])")
_ESCAPE = r"\\(?:[\\'\"abfnrtv]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"
_STRING = re.compile(rf"b?(?:'(?:[^'\\\n]|{_ESCAPE})*'|\"(?:[^\"\\\n]|{_ESCAPE})*\")")
_WORD = re.compile(r"[A-Za-z_]\w*")
_ARRAY = re.compile(r"(\w+)\[([\d, ]*)\]\{")
_SINGLE = {"None": None, "True": True, "False": False}


class Scanner:
    """A place in a text."""

    def __init__(self, text: str, graph: Callable[[Scanner], Any]) -> None:
        """`graph` reads the graph that stands at the scanner's place."""
        self.text = text
        self.at = 0
        self.graph = graph
        # What an attribute belongs to, for messages.
        self.owner = ""
        self._scope = jax.export.SymbolicScope()
        self._types: dict[str, types.Type] = {}

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        """Raise, with a caret under a place: here if none is said."""
        at = min(self.at if at is None else at, len(self.text))
        start = self.text.rfind("\n", 0, at) + 1
        line = self.text[start:].partition("\n")[0]
        number, column = self.text.count("\n", 0, start) + 1, at - start + 1
        caret = " " * (column - 1) + "^"
        raise ParseError(
            f"{message}, in line {number}, column {column}\n  {line}\n  {caret}"
        )

    def skip(self) -> None:
        """Go over blanks, newlines and comments."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def sees(self, what: str) -> bool:
        """Whether `what` comes next."""
        self.skip()
        return self.text.startswith(what, self.at)

    def takes(self, what: str) -> bool:
        """Go over `what` if it comes next."""
        found = self.sees(what)
        self.at += len(what) * found
        return found

    def expect(self, what: str) -> None:
        """Go over `what`, which has to come next."""
        if not self.takes(what):
            self.fail(f"expected {what!r}, got {self.found()}")

    def found(self) -> str:
        """What comes next, for messages."""
        rest = self.text[self.at : self.at + 12].partition("\n")[0]
        return repr(rest) if self.at < len(self.text) else "the end of the text"

    def match(self, pattern: re.Pattern[str], what: str) -> str:
        """Go over what a pattern matches, which has to come next."""
        self.skip()
        match = pattern.match(self.text, self.at)
        if match is None:
            self.fail(f"expected {what}, got {self.found()}")
        self.at = match.end()
        return match[match.lastindex or 0]

    def value(self) -> str:
        """The name of a value."""
        return self.match(_VALUE, "the name of a value, such as %x")

    def source(self) -> tuple[str, int] | None:
        """The file and the line in a comment behind a node."""
        match = _SOURCE.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match[1], int(match[2])

    def type(self) -> types.Type:
        """A type."""
        self.skip()
        match = _PLAIN_TYPE.match(self.text, self.at)
        if match is not None and (found := self._types.get(match[0])) is not None:
            self.at = match.end()
            return found
        found, end = self._parsed_type()
        if match is not None and end == match.end():
            self._types[match[0]] = found
        self.at = end
        return found

    def _parsed_type(self) -> tuple[types.Type, int]:
        start = self.text.rfind("\n", 0, self.at) + 1
        line = self.text[start:].partition("\n")[0]
        try:
            found, end = types.parse_at(line, self.at - start, scope=self._scope)
        except ParseError as error:
            reason = str(error).partition("\n")[0]
            column = _COLUMN.search(reason)
            at = self.at if column is None else start + int(column[1])
            self.fail(_COLUMN.sub("", reason).strip(), at)
        except (GraphError, OverflowError) as error:
            self.fail(str(error).partition("\n")[0])
        return found, start + end


def read_literal(scanner: Scanner) -> Any:
    """The literal that comes next.

    Returns:
        Its value.

    Raises:
        ParseError: it is none.
    """
    scanner.skip()
    text, at = scanner.text, scanner.at
    for pattern, read in _READERS:
        match = pattern.match(text, at)
        if match is not None:
            scanner.at = match.end()
            try:
                return read(match[0])
            except (ValueError, SyntaxError) as error:
                scanner.fail(f"{match[0]:.40} can't be read ({error})", at)
    for opening, closing in (("(", ")"), ("[", "]")):
        if scanner.takes(opening):
            items, comma = _items(scanner, closing)
            single = len(items) == 1 and not comma
            if opening == "[":
                return items
            return items[0] if single else tuple(items)
    if scanner.takes("{"):
        return _dict(scanner)
    return _word(scanner)


def _integer_or_float(text: str) -> int | float:
    return int(text) if text.lstrip("+-").isdigit() else float(text)


_READERS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (_STRING, ast.literal_eval),
    (_COMPLEX, complex),
    (_NUMBER, _integer_or_float),
)


def _items(scanner: Scanner, closing: str) -> tuple[list[Any], bool]:
    """The items up to a bracket, and whether a comma stands before it."""
    items: list[Any] = []
    comma = True
    while not scanner.takes(closing):
        if not comma:
            scanner.expect(",")
        items.append(read_literal(scanner))
        comma = scanner.takes(",")
    return items, comma


def _dict(scanner: Scanner) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    comma = True
    while not scanner.takes("}"):
        if not comma:
            scanner.expect(",")
        scanner.skip()
        at, key = scanner.at, read_literal(scanner)
        try:
            hash(key)
        except TypeError:
            scanner.fail(f"a {type(key).__name__} can't be a key", at)
        scanner.expect(":")
        found[key] = read_literal(scanner)
        comma = scanner.takes(",")
    return found


def _word(scanner: Scanner) -> Any:
    """A literal that begins with a word: None, a dtype, an array, a type, a slice."""
    at = scanner.at
    if scanner.takes("..."):
        return ...
    array = _ARRAY.match(scanner.text, at)
    if array is not None and dtype_of(array[1]) is not None:
        scanner.at = array.end()
        return _array(scanner, array[1], array[2], at)
    word = _WORD.match(scanner.text, at)
    name = word[0] if word else ""
    scanner.at = word.end() if word else at
    if name in _SINGLE:
        return _SINGLE[name]
    if name == "graph" and scanner.sees("("):
        scanner.at = at
        return scanner.graph(scanner)
    if name == "type" and scanner.takes("("):
        found = scanner.type()
        scanner.expect(")")
        return found
    if name == "slice" and scanner.takes("("):
        parts, _ = _items(scanner, ")")
        if len(parts) == 3:
            return slice(*parts)
    dtype = dtype_of(name)
    if dtype is None:
        scanner.fail(f"{scanner.owner} is not a literal", at)
    return dtype


def _array(scanner: Scanner, short: str, dims: str, at: int) -> Any:
    if scanner.takes("..."):
        scanner.fail(
            f"{scanner.owner} is an array that is abbreviated: the text doesn't hold "
            "its elements",
            at,
        )
    items, _ = _items(scanner, "}")
    try:
        shape = tuple(int(d) for d in dims.split(",") if d.strip())
        if math.prod(shape) != len(items):
            raise ValueError(
                f"{math.prod(shape)} elements expected, {len(items)} given"
            )
        array = np.asarray(items, dtype_of(short)).reshape(shape)
    except (TypeError, ValueError, OverflowError) as error:
        scanner.fail(f"{scanner.owner} is no array ({error})", at)
    return array if shape else array[()]
