"""What all tree views have.

- `TreeView`: a node with its place; `Expr`, `Stmt`: what is computed, what is done.
- `Ident`: a name.
- `option`, `listed`: parts of s-expressions.
"""

from __future__ import annotations

import ast
import dataclasses
import keyword
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from jaxgrad.graph import SourceRange

# A word, or a kind with its parts.
Sexpr: TypeAlias = "str | tuple[Sexpr, ...]"

# An s-expression that is shorter stands on one line, as torch prints them.
_WIDTH = 40
_NOWHERE = SourceRange("<unknown>", 1)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class TreeView:
    """A node of parsed source: its parts, and where it stands.

    Nodes are immutable, and equal if their parts are, wherever they stand. Sequences of
    parts are tuples; lists are made tuples.

    Attributes:
        place: where it stands; None in trees that were put together by hand.
    """

    # Made by a factory, so that the class has no default that those inherit which take
    # the place as their first argument.
    place: SourceRange | None = dataclasses.field(
        default_factory=lambda: None, kw_only=True
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):
                object.__setattr__(self, field.name, tuple(value))

    def _parts(self) -> tuple[object, ...]:
        names = [field.name for field in dataclasses.fields(self)]
        return tuple(getattr(self, name) for name in names if name != "place")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other) or not isinstance(other, TreeView):
            return NotImplemented
        return self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash((type(self), self._parts()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._parts()))})"

    def children(self) -> Iterator[TreeView]:
        """The nodes that are its direct parts, in the order of its fields."""
        for value in self._parts():
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, TreeView):
                    yield part

    def walk(self) -> Iterator[TreeView]:
        """The node itself and all nodes in it, from the outside in."""
        yield self
        for part in self.children():
            yield from part.walk()

    def range(self) -> SourceRange:
        """Where it stands in the user's file.

        Returns:
            Its place. Without one, the first to the last place of its parts.
        """
        if self.place is not None:
            return self.place
        found = [part.range() for part in self.children()]
        found = [place for place in found if place is not _NOWHERE]
        if not found:
            return _NOWHERE
        first = min(found, key=lambda p: (p.line, p.column or 0))
        last = max(found, key=lambda p: (p.end_line or p.line, p.end_column or 0))
        ends = {"end_line": last.end_line, "end_column": last.end_column}
        return dataclasses.replace(first, **ends)

    def dump(self) -> str:
        """The node as an s-expression.

        Returns:
            The text, in torch's form where torch has such a node.

        Example:
            >>> from jaxgrad.frontend.source import trees
            >>> print(trees.parse_def("def f(x): return -x").statements[0].dump())
            (return
              (unary minus (variable (ident x))))
        """
        return _pretty(self.sexpr(), 0)

    def __str__(self) -> str:
        """See `dump`."""
        return self.dump()

    def sexpr(self) -> Sexpr:
        """The s-expression, as nested tuples of words."""
        raise NotImplementedError

    def to_ast(self) -> ast.AST:
        """The node as one of Python's own `ast`, without positions."""
        raise NotImplementedError


class Expr(TreeView):
    """Base of the nodes that are computed."""

    def to_ast(self) -> ast.expr:
        """The node as one of Python's own `ast`, without positions."""
        raise NotImplementedError


class Stmt(TreeView):
    """Base of the nodes that are carried out."""

    def to_ast(self) -> ast.stmt:
        """The node as one of Python's own `ast`, without positions."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Ident(TreeView):
    """A name.

    Attributes:
        name: the text.
    """

    place: SourceRange | None
    name: str

    def sexpr(self) -> Sexpr:
        """`(ident name)`."""
        return "ident", self.name

    def to_ast(self) -> ast.Name:
        """The name, as it is read."""
        return ast.Name(self.name, ast.Load())

    def is_identifier(self) -> bool:
        """Whether it could be a name in source; "<lambda>" couldn't."""
        return self.name.isidentifier() and not keyword.iskeyword(self.name)


# --- s-expressions --------------------------------------------------------------------


def option(part: TreeView | None) -> Sexpr:
    """What may be absent: `(option)` or `(option part)`."""
    return ("option",) if part is None else ("option", part.sexpr())


def listed(parts: Sequence[TreeView]) -> Sexpr:
    """Several of a kind: `(list part part)`."""
    return "list", *(part.sexpr() for part in parts)


def _flat(tree: Sexpr) -> str:
    return tree if isinstance(tree, str) else f"({' '.join(map(_flat, tree))})"


def _pretty(tree: Sexpr, indent: int) -> str:
    """An s-expression on one line if it is short, else a line for each part."""
    text = _flat(tree)
    if isinstance(tree, str) or indent + len(text.encode()) < _WIDTH:
        return text
    inner = "\n" + " " * (indent + 2)
    parts = "".join(inner + _pretty(part, indent + 2) for part in tree[1:])
    return f"({tree[0]}{parts})"
