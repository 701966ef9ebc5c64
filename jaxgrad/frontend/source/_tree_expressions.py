"""Tree views of what is computed from other expressions.

- `BinOp`, `BoolOp`, `Compare`, `UnaryOp`, `TernaryIf`, `NamedExpr`;
- `Apply`, `Attribute`, `Select`, `Subscript`, `SliceExpr`.
"""

from __future__ import annotations

import ast
import dataclasses

from jaxgrad.frontend.source._tree import (
    Expr,
    Ident,
    Sexpr,
    TreeView,
    listed,
    option,
)
from jaxgrad.frontend.source._tree_values import Var, expressions, maybe
from jaxgrad.graph import SourceRange

BINARY: dict[str, type[ast.operator]] = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.Div,
    "**": ast.Pow,
    "%": ast.Mod,
    "//": ast.FloorDiv,
    "&": ast.BitAnd,
    "^": ast.BitXor,
    "|": ast.BitOr,
    "<<": ast.LShift,
    ">>": ast.RShift,
    "@": ast.MatMult,
}
BOOLEAN: dict[str, type[ast.boolop]] = {"and": ast.And, "or": ast.Or}
COMPARED: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<=": ast.LtE,
    "<": ast.Lt,
    ">=": ast.GtE,
    ">": ast.Gt,
    "is": ast.Is,
    "is not": ast.IsNot,
    "in": ast.In,
    "not in": ast.NotIn,
}
UNARY: dict[str, type[ast.unaryop]] = {
    "not": ast.Not,
    "-": ast.USub,
    "+": ast.UAdd,
    "~": ast.Invert,
}
# What torch calls them in dumps.
KINDS = {
    "**": "pow operator",
    "//": "floordiv",
    "==": "eq",
    "!=": "ne",
    "<=": "le",
    ">=": "ge",
}
_UNARY_KINDS = {"-": "unary minus", "+": "unary plus"}


def _binary(op: str, left: Sexpr, right: Sexpr) -> Sexpr:
    if op == "not in":
        return "not", ("in", left, right)
    return KINDS.get(op, op), left, right


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class BinOp(Expr):
    """An operator between two values, `and`, `or` and comparisons included.

    Attributes:
        op: as it is written.
        lhs: the left value.
        rhs: the right value.
    """

    op: str
    lhs: Expr
    rhs: Expr

    def sexpr(self) -> Sexpr:
        """`(op lhs rhs)`."""
        return _binary(self.op, self.lhs.sexpr(), self.rhs.sexpr())

    def to_ast(self) -> ast.expr:
        """An operation, of two values or of truth, or a comparison."""
        left, right = self.lhs.to_ast(), self.rhs.to_ast()
        if self.op in BOOLEAN:
            return ast.BoolOp(BOOLEAN[self.op](), [left, right])
        if self.op in COMPARED:
            return ast.Compare(left, [COMPARED[self.op]()], [right])
        return ast.BinOp(left, BINARY[self.op](), right)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class BoolOp(Expr):
    """`and` or `or` between three values or more, as in `a and b and c`."""

    op: str
    values: tuple[Expr, ...]

    def sexpr(self) -> Sexpr:
        """`(op (op a b) c)`."""
        left = self.values[0].sexpr()
        for value in self.values[1:]:
            left = _binary(self.op, left, value.sexpr())
        return left

    def to_ast(self) -> ast.expr:
        """An operation of truth."""
        return ast.BoolOp(BOOLEAN[self.op](), expressions(self.values))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Compare(Expr):
    """A chain of comparisons, as in `a < b < c`.

    Attributes:
        ops: the operators.
        values: the values between them, one more.
    """

    ops: tuple[str, ...]
    values: tuple[Expr, ...]

    def sexpr(self) -> Sexpr:
        """`(and (< a b) (< b c))`, as torch has it; `b` is evaluated once."""
        parts = [value.sexpr() for value in self.values]
        triples = zip(self.ops, parts, parts[1:], strict=False)
        first, *rest = (_binary(op, left, right) for op, left, right in triples)
        for part in rest:
            first = "and", first, part
        return first

    def to_ast(self) -> ast.expr:
        """A comparison."""
        left, *others = expressions(self.values)
        return ast.Compare(left, [COMPARED[op]() for op in self.ops], others)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class UnaryOp(Expr):
    """An operator before a value: `not`, `-`, `+`, `~`."""

    place: SourceRange | None
    op: str
    expr: Expr

    def sexpr(self) -> Sexpr:
        """`(op expr)`."""
        return _UNARY_KINDS.get(self.op, self.op), self.expr.sexpr()

    def to_ast(self) -> ast.expr:
        """An operation."""
        return ast.UnaryOp(UNARY[self.op](), self.expr.to_ast())


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class TernaryIf(Expr):
    """`true_expr if cond else false_expr`."""

    cond: Expr
    true_expr: Expr
    false_expr: Expr

    def sexpr(self) -> Sexpr:
        """`(if cond true_expr false_expr)`."""
        return "if", *(part.sexpr() for part in self.children())

    def to_ast(self) -> ast.expr:
        """A conditional expression."""
        parts = self.cond, self.true_expr, self.false_expr
        return ast.IfExp(*(part.to_ast() for part in parts))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class NamedExpr(Expr):
    """`(target := value)`."""

    target: Var
    value: Expr

    def sexpr(self) -> Sexpr:
        """`(named target value)`."""
        return "named", self.target.sexpr(), self.value.sexpr()

    def to_ast(self) -> ast.expr:
        """A named expression."""
        return ast.NamedExpr(self.target.to_ast(), self.value.to_ast())  # type: ignore[arg-type]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Attribute(TreeView):
    """A keyword argument; the name of `**expr` is `**`."""

    ident: Ident
    expr: Expr

    def sexpr(self) -> Sexpr:
        """`(attribute ident expr)`."""
        return "attribute", self.ident.sexpr(), self.expr.sexpr()

    def to_ast(self) -> ast.keyword:
        """A keyword argument."""
        name = None if self.ident.name == "**" else self.ident.name
        return ast.keyword(name, self.expr.to_ast())


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Apply(Expr):
    """A call."""

    fn: Expr
    args: tuple[Expr, ...]
    kwargs: tuple[Attribute, ...]

    def sexpr(self) -> Sexpr:
        """`(apply fn (list ...) (list ...))`."""
        return "apply", self.fn.sexpr(), listed(self.args), listed(self.kwargs)

    def to_ast(self) -> ast.expr:
        """A call."""
        keywords = [part.to_ast() for part in self.kwargs]
        return ast.Call(self.fn.to_ast(), expressions(self.args), keywords)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Select(Expr):
    """An attribute of a value."""

    expr: Expr
    ident: Ident

    def sexpr(self) -> Sexpr:
        """`(. expr ident)`."""
        return ".", self.expr.sexpr(), self.ident.sexpr()

    def to_ast(self) -> ast.expr:
        """An attribute."""
        return ast.Attribute(self.expr.to_ast(), self.ident.name, ast.Load())


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SliceExpr(Expr):
    """`lower:upper:step` in a subscript."""

    place: SourceRange | None
    lower: Expr | None
    upper: Expr | None
    step: Expr | None

    def sexpr(self) -> Sexpr:
        """`(slice expr (option lower) (option upper) (option step))`."""
        parts = self.lower, self.upper, self.step
        return "slice expr", *(option(part) for part in parts)

    def to_ast(self) -> ast.expr:
        """A slice."""
        parts = self.lower, self.upper, self.step
        return ast.Slice(*map(maybe, parts))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Subscript(Expr):
    """`base[indices]`.

    Attributes:
        base: the value.
        subscript_exprs: the indices.
        one_tuple: whether a single index stands in a tuple, as in `x[i,]`.
    """

    base: Expr
    subscript_exprs: tuple[Expr, ...]
    one_tuple: bool = dataclasses.field(default=False, kw_only=True)

    def sexpr(self) -> Sexpr:
        """`(subscript base (list ...))`."""
        return "subscript", self.base.sexpr(), listed(self.subscript_exprs)

    def to_ast(self) -> ast.expr:
        """A subscript."""
        indices = expressions(self.subscript_exprs)
        index = indices[0]
        if len(indices) > 1 or self.one_tuple:
            index = ast.Tuple(indices, ast.Load())
        return ast.Subscript(self.base.to_ast(), index, ast.Load())
