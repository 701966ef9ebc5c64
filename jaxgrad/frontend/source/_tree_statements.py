"""Tree views of what is carried out.

- `Assign`, `AugAssign`, `ExprStmt`, `Delete`, `Assert`;
- `If`, `While`, `For`, `With`, `WithItem`;
- `Return`, `Raise`, `Break`, `Continue`, `Pass`, `Outer` (`global` and `nonlocal`).
"""

from __future__ import annotations

import ast
import dataclasses

from jaxgrad.frontend.source._tree import (
    Expr,
    Ident,
    Sexpr,
    Stmt,
    TreeView,
    listed,
    option,
)
from jaxgrad.frontend.source._tree_expressions import BINARY, KINDS
from jaxgrad.frontend.source._tree_values import Var, expressions, maybe
from jaxgrad.graph import SourceRange


def statements(parts: tuple[Stmt, ...]) -> list[ast.stmt]:
    """Nodes of `ast` for several statements."""
    return [part.to_ast() for part in parts]


def _otherwise(body: tuple[Stmt, ...]) -> tuple[Sexpr, ...]:
    """The `else` of a loop, which is absent in most."""
    return (listed(body),) if body else ()


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Assign(Stmt):
    """An assignment, or a bare annotation.

    Attributes:
        lhs: the targets, several in `a = b = value`.
        rhs: the value; None in `a: int`.
        type: the annotation, also that of a type comment.
        commented: whether the annotation is a comment.
        parenthesized: whether an annotated name stands in parentheses.
    """

    lhs: tuple[Expr, ...]
    rhs: Expr | None
    type: Expr | None = None
    commented: bool = dataclasses.field(default=False, kw_only=True)
    parenthesized: bool = dataclasses.field(default=False, kw_only=True)

    def sexpr(self) -> Sexpr:
        """`(assign (list target) (option value) (option type))`."""
        return "assign", listed(self.lhs), option(self.rhs), option(self.type)

    def to_ast(self) -> ast.stmt:
        """An assignment."""
        rhs = None if self.rhs is None else self.rhs.to_ast()
        if self.type is None or self.commented:
            return ast.Assign(expressions(self.lhs), rhs, lineno=1)  # type: ignore[arg-type]
        target = self.lhs[0].to_ast()
        simple = int(isinstance(self.lhs[0], Var) and not self.parenthesized)
        return ast.AnnAssign(target, self.type.to_ast(), rhs, simple)  # type: ignore[arg-type]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class AugAssign(Stmt):
    """`lhs op= rhs`; the operator is given without the equals sign."""

    lhs: Expr
    op: str
    rhs: Expr

    def sexpr(self) -> Sexpr:
        """`(aug_assign lhs (op) rhs)`."""
        kind = (KINDS.get(self.op, self.op),)
        return "aug_assign", self.lhs.sexpr(), kind, self.rhs.sexpr()

    def to_ast(self) -> ast.stmt:
        """An augmented assignment."""
        operator = BINARY[self.op]()
        return ast.AugAssign(self.lhs.to_ast(), operator, self.rhs.to_ast())  # type: ignore[arg-type]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ExprStmt(Stmt):
    """An expression for what it does; a docstring too."""

    expr: Expr

    def sexpr(self) -> Sexpr:
        """`(expression statement expr)`."""
        return "expression statement", self.expr.sexpr()

    def to_ast(self) -> ast.stmt:
        """An expression."""
        return ast.Expr(self.expr.to_ast())


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Delete(Stmt):
    """`del targets`."""

    place: SourceRange | None
    targets: tuple[Expr, ...]

    def sexpr(self) -> Sexpr:
        """`(del (list target))`."""
        return "del", listed(self.targets)

    def to_ast(self) -> ast.stmt:
        """A deletion."""
        return ast.Delete(expressions(self.targets))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Assert(Stmt):
    """`assert test, msg`."""

    place: SourceRange | None
    test: Expr
    msg: Expr | None = None

    def sexpr(self) -> Sexpr:
        """`(assert test (option msg))`."""
        return "assert", self.test.sexpr(), option(self.msg)

    def to_ast(self) -> ast.stmt:
        """An assertion."""
        return ast.Assert(self.test.to_ast(), maybe(self.msg))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class If(Stmt):
    """`if`; an `elif` is an `if` alone in the false branch."""

    place: SourceRange | None
    cond: Expr
    true_branch: tuple[Stmt, ...]
    false_branch: tuple[Stmt, ...] = ()

    def sexpr(self) -> Sexpr:
        """`(if cond (list ...) (list ...))`."""
        branches = listed(self.true_branch), listed(self.false_branch)
        return "if", self.cond.sexpr(), *branches

    def to_ast(self) -> ast.stmt:
        """A condition."""
        branches = statements(self.true_branch), statements(self.false_branch)
        return ast.If(self.cond.to_ast(), *branches)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class While(Stmt):
    """`while`."""

    place: SourceRange | None
    cond: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...] = ()

    def sexpr(self) -> Sexpr:
        """`(while cond (list ...))`, with another list for an `else`."""
        return "while", self.cond.sexpr(), listed(self.body), *_otherwise(self.orelse)

    def to_ast(self) -> ast.stmt:
        """A loop."""
        bodies = statements(self.body), statements(self.orelse)
        return ast.While(self.cond.to_ast(), *bodies)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class For(Stmt):
    """`for`; as in torch, the target and what is run over are lists of one."""

    place: SourceRange | None
    targets: tuple[Expr, ...]
    itrs: tuple[Expr, ...]
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...] = ()

    def sexpr(self) -> Sexpr:
        """`(for (list target) (list iter) (list ...))`, and a list for an `else`."""
        parts = listed(self.targets), listed(self.itrs), listed(self.body)
        return "for", *parts, *_otherwise(self.orelse)

    def to_ast(self) -> ast.stmt:
        """A loop."""
        head = self.targets[0].to_ast(), self.itrs[0].to_ast()
        bodies = statements(self.body), statements(self.orelse)
        return ast.For(*head, *bodies, lineno=1)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class WithItem(TreeView):
    """`target as var` of a `with`."""

    place: SourceRange | None
    target: Expr
    var: Expr | None = None

    def sexpr(self) -> Sexpr:
        """`(withitem target (option var))`."""
        return "withitem", self.target.sexpr(), option(self.var)

    def to_ast(self) -> ast.withitem:
        """A part of a `with`."""
        return ast.withitem(self.target.to_ast(), maybe(self.var))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class With(Stmt):
    """`with`."""

    place: SourceRange | None
    targets: tuple[WithItem, ...]
    body: tuple[Stmt, ...]

    def sexpr(self) -> Sexpr:
        """`(with (list item) (list ...))`."""
        return "with", listed(self.targets), listed(self.body)

    def to_ast(self) -> ast.stmt:
        """A `with`."""
        items = [item.to_ast() for item in self.targets]
        return ast.With(items, statements(self.body), lineno=1)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Return(Stmt):
    """`return`; without a value, the value is None."""

    place: SourceRange | None
    expr: Expr | None = None

    def sexpr(self) -> Sexpr:
        """`(return expr)`."""
        return "return", ("None",) if self.expr is None else self.expr.sexpr()

    def to_ast(self) -> ast.stmt:
        """A return."""
        return ast.Return(maybe(self.expr))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Raise(Stmt):
    """`raise expr from cause`."""

    place: SourceRange | None
    expr: Expr
    cause: Expr | None = None

    def sexpr(self) -> Sexpr:
        """`(raise expr)`, and the cause if there is one."""
        return "raise", *(part.sexpr() for part in self.children())

    def to_ast(self) -> ast.stmt:
        """A raise."""
        return ast.Raise(self.expr.to_ast(), maybe(self.cause))


class _Word(Stmt):
    """Base of the statements of a single word."""

    _word = ""
    _node: type[ast.stmt] = ast.Pass

    def sexpr(self) -> Sexpr:
        """The word."""
        return (self._word,)

    def to_ast(self) -> ast.stmt:
        """The statement."""
        return self._node()


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Break(_Word):
    """`break`."""

    place: SourceRange | None
    _word, _node = "break", ast.Break


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Continue(_Word):
    """`continue`."""

    place: SourceRange | None
    _word, _node = "continue", ast.Continue


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Pass(_Word):
    """`pass`."""

    place: SourceRange | None
    _word, _node = "pass", ast.Pass


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Outer(Stmt):
    """`global names` or `nonlocal names`, of names that are read only.

    Attributes:
        word: "global" or "nonlocal".
        names: the names.
    """

    place: SourceRange | None
    word: str
    names: tuple[Ident, ...]

    def sexpr(self) -> Sexpr:
        """`(global (list name))`."""
        return self.word, listed(self.names)

    def to_ast(self) -> ast.stmt:
        """A declaration."""
        kind = ast.Global if self.word == "global" else ast.Nonlocal
        return kind([name.name for name in self.names])
