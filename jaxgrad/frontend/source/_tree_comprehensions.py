"""Tree views of comprehensions.

- `Generator`, `ListComp`, `SetComp`, `DictComp`, `GeneratorExp`.
"""

from __future__ import annotations

import ast
import dataclasses

from jaxgrad.frontend.source._tree import Expr, Sexpr, TreeView, listed
from jaxgrad.frontend.source._tree_values import expressions
from jaxgrad.graph import SourceRange


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Generator(TreeView):
    """`for target in iter if ...` of a comprehension."""

    target: Expr
    iter: Expr
    ifs: tuple[Expr, ...] = ()

    def sexpr(self) -> Sexpr:
        """`(generator target iter (list ...))`."""
        return "generator", self.target.sexpr(), self.iter.sexpr(), listed(self.ifs)

    def to_ast(self) -> ast.comprehension:
        """A part of a comprehension."""
        parts = self.target.to_ast(), self.iter.to_ast(), expressions(self.ifs)
        return ast.comprehension(*parts, 0)


def _loops(kind: str, made: tuple[Expr, ...], loops: tuple[Generator, ...]) -> Sexpr:
    """What is made, and from what; in torch's form where it has one."""
    parts = tuple(part.sexpr() for part in made)
    if len(loops) == 1 and not loops[0].ifs:
        return kind, *parts, loops[0].target.sexpr(), loops[0].iter.sexpr()
    return kind, *parts, listed(loops)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ListComp(Expr):
    """A list comprehension."""

    place: SourceRange | None
    elt: Expr
    generators: tuple[Generator, ...]

    def sexpr(self) -> Sexpr:
        """`(list comprehension elt target iter)`."""
        return _loops("list comprehension", (self.elt,), self.generators)

    def to_ast(self) -> ast.expr:
        """A comprehension."""
        return ast.ListComp(self.elt.to_ast(), [g.to_ast() for g in self.generators])


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class GeneratorExp(ListComp):
    """A generator expression; its dump is that of a list comprehension."""

    def to_ast(self) -> ast.expr:
        """A generator expression."""
        loops = [g.to_ast() for g in self.generators]
        return ast.GeneratorExp(self.elt.to_ast(), loops)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SetComp(Expr):
    """A set comprehension."""

    place: SourceRange | None
    elt: Expr
    generators: tuple[Generator, ...]

    def sexpr(self) -> Sexpr:
        """`(set comprehension elt target iter)`."""
        return _loops("set comprehension", (self.elt,), self.generators)

    def to_ast(self) -> ast.expr:
        """A comprehension."""
        return ast.SetComp(self.elt.to_ast(), [g.to_ast() for g in self.generators])


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class DictComp(Expr):
    """A dict comprehension."""

    place: SourceRange | None
    key: Expr
    value: Expr
    generators: tuple[Generator, ...]

    def sexpr(self) -> Sexpr:
        """`(dict comprehension key value target iter)`."""
        return _loops("dict comprehension", (self.key, self.value), self.generators)

    def to_ast(self) -> ast.expr:
        """A comprehension."""
        loops = [g.to_ast() for g in self.generators]
        return ast.DictComp(self.key.to_ast(), self.value.to_ast(), loops)
