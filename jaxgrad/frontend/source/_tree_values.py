"""Tree views of what stands for itself: names, numbers, strings, displays.

- `Var`, `Const`, `StringLiteral`, `BytesLiteral`, `JoinedStr`, `FormattedValue`;
- `TrueLiteral`, `FalseLiteral`, `NoneLiteral`, `Dots`;
- `ListLiteral`, `TupleLiteral`, `SetLiteral`, `DictLiteral`, `Starred`;
- `EmptyTypeAnnotation`: where a parameter has no annotation.
"""

from __future__ import annotations

import ast
import dataclasses
from typing import Any

from jaxgrad.frontend.source._tree import Expr, Ident, Sexpr, listed
from jaxgrad.graph import SourceRange


def expressions(parts: tuple[Expr, ...]) -> list[ast.expr]:
    """Nodes of `ast` for several expressions."""
    return [part.to_ast() for part in parts]


def maybe(part: Expr | None) -> ast.expr | None:
    """A node of `ast` for an expression that may be absent."""
    return None if part is None else part.to_ast()


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Var(Expr):
    """A variable, read or assigned."""

    name: Ident

    def sexpr(self) -> Sexpr:
        """`(variable name)`."""
        return "variable", self.name.sexpr()

    def to_ast(self) -> ast.expr:
        """A name."""
        return self.name.to_ast()


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Const(Expr):
    """A number.

    Attributes:
        value: its text.
    """

    place: SourceRange | None
    value: str

    def sexpr(self) -> Sexpr:
        """`(const text)`."""
        return "const", self.value

    def to_ast(self) -> ast.expr:
        """A constant."""
        # Python writes an infinite number as the word that is no literal.
        text = self.value.replace("inf", "1e400")
        return ast.Constant(ast.literal_eval(text))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class StringLiteral(Expr):
    """A string.

    Attributes:
        value: what it holds.
        prefix: "u" for a string that is written u"so", else None.
    """

    place: SourceRange | None
    value: str
    prefix: str | None = dataclasses.field(default=None, kw_only=True)

    def sexpr(self) -> Sexpr:
        """`(string_literal text)`."""
        return "string_literal", self.value

    def to_ast(self) -> ast.expr:
        """A constant."""
        return ast.Constant(self.value, self.prefix)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class BytesLiteral(Expr):
    """Bytes."""

    place: SourceRange | None
    value: bytes

    def sexpr(self) -> Sexpr:
        """`(bytes_literal text)`."""
        return "bytes_literal", repr(self.value)

    def to_ast(self) -> ast.expr:
        """A constant."""
        return ast.Constant(self.value)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class FormattedValue(Expr):
    """A value in an f-string.

    Attributes:
        value: the value.
        conversion: "s", "r" or "a"; "" without one.
        spec: what stands after the colon.
    """

    value: Expr
    conversion: str = ""
    spec: JoinedStr | None = None

    def sexpr(self) -> Sexpr:
        """The value; with what formats it, if anything does."""
        if not self.conversion and self.spec is None:
            return self.value.sexpr()
        spec = ("option",) if self.spec is None else ("option", self.spec.sexpr())
        return "formatted", self.value.sexpr(), self.conversion or "-", spec

    def to_ast(self) -> ast.expr:
        """A formatted value."""
        conversion = ord(self.conversion) if self.conversion else -1
        spec = None if self.spec is None else self.spec.to_ast()
        return ast.FormattedValue(self.value.to_ast(), conversion, spec)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class JoinedStr(Expr):
    """An f-string.

    Attributes:
        parts: string literals and formatted values.
    """

    place: SourceRange | None
    parts: tuple[Expr, ...]

    def sexpr(self) -> Sexpr:
        """As a call of `format`, as torch has it."""
        words, values = "", []
        for part in self.parts:
            if isinstance(part, StringLiteral):
                words += part.value
            else:
                words += "{}"
                values.append(part)
        method = ".", ("string_literal", words), ("ident", "format")
        return "apply", method, listed(values), ("list",)

    def to_ast(self) -> ast.expr:
        """A joined string."""
        return ast.JoinedStr(expressions(self.parts))


class _Literal(Expr):
    """Base of the words that are values."""

    _word = ""
    _value: Any = None

    def sexpr(self) -> Sexpr:
        """The word."""
        return (self._word,)

    def to_ast(self) -> ast.expr:
        """A constant."""
        return ast.Constant(self._value)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class TrueLiteral(_Literal):
    """`True`."""

    place: SourceRange | None
    _word, _value = "True", True


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class FalseLiteral(_Literal):
    """`False`."""

    place: SourceRange | None
    _word, _value = "False", False


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class NoneLiteral(_Literal):
    """`None`."""

    place: SourceRange | None
    _word, _value = "None", None


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Dots(_Literal):
    """`...`."""

    place: SourceRange | None
    _word, _value = "dots", ...


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class EmptyTypeAnnotation(Expr):
    """Where a parameter has no annotation."""

    place: SourceRange | None

    def sexpr(self) -> Sexpr:
        """`(empty type annotation)`."""
        return ("option",)

    def to_ast(self) -> ast.expr:
        """Nothing can stand for it."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ListLiteral(Expr):
    """A list that is written out."""

    place: SourceRange | None
    inputs: tuple[Expr, ...]

    def sexpr(self) -> Sexpr:
        """`(list-literal (list ...))`."""
        return "list-literal", listed(self.inputs)

    def to_ast(self) -> ast.expr:
        """A list."""
        return ast.List(expressions(self.inputs), ast.Load())


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class TupleLiteral(Expr):
    """A tuple that is written out."""

    place: SourceRange | None
    inputs: tuple[Expr, ...]

    def sexpr(self) -> Sexpr:
        """`(tuple-literal (list ...))`."""
        return "tuple-literal", listed(self.inputs)

    def to_ast(self) -> ast.expr:
        """A tuple."""
        return ast.Tuple(expressions(self.inputs), ast.Load())


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SetLiteral(Expr):
    """A set that is written out."""

    place: SourceRange | None
    inputs: tuple[Expr, ...]

    def sexpr(self) -> Sexpr:
        """`(set-literal (list ...))`."""
        return "set-literal", listed(self.inputs)

    def to_ast(self) -> ast.expr:
        """A set."""
        return ast.Set(expressions(self.inputs))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class DictLiteral(Expr):
    """A dict that is written out.

    Attributes:
        keys: the keys; a `Starred` stands for the two stars of `{**other}`.
        values: a value for each key; that of a `Starred` is the other dict.
    """

    place: SourceRange | None
    keys: tuple[Expr, ...]
    values: tuple[Expr, ...]

    def sexpr(self) -> Sexpr:
        """`(dict-literal (list ...) (list ...))`."""
        return "dict-literal", listed(self.keys), listed(self.values)

    def to_ast(self) -> ast.expr:
        """A dict."""
        keys = [None if isinstance(k, Starred) else k.to_ast() for k in self.keys]
        return ast.Dict(keys, expressions(self.values))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Starred(Expr):
    """`*expr`, in a call, a display or a target."""

    place: SourceRange | None
    expr: Expr

    def sexpr(self) -> Sexpr:
        """`(starred expr)`."""
        return "starred", self.expr.sexpr()

    def to_ast(self) -> ast.expr:
        """A starred expression."""
        return ast.Starred(self.expr.to_ast(), ast.Load())
