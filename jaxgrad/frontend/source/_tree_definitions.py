"""Tree views of functions and classes.

- `Param`, `TypeParam`, `Decl`, `Def`, `Lambda`: functions;
- `Property`, `ClassDef`: classes.
"""

from __future__ import annotations

import ast
import dataclasses
from typing import Any

from jaxgrad.frontend.source._tree import (
    Expr,
    Ident,
    Sexpr,
    Stmt,
    TreeView,
    listed,
    option,
)
from jaxgrad.frontend.source._tree_expressions import Attribute
from jaxgrad.frontend.source._tree_statements import Assign, Return, statements
from jaxgrad.frontend.source._tree_values import EmptyTypeAnnotation, expressions, maybe
from jaxgrad.graph import SourceRange


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Param(TreeView):
    """A parameter.

    Attributes:
        type: its annotation; an `EmptyTypeAnnotation` without one.
        ident: its name.
        kwarg_only: whether it is given by keyword only.
        default: its default, as written.
        form: "/" if it is given by position only, "*" and "**" for those that take
            what is left.
        implied: whether the type isn't written as an annotation: that of `self`, and
            those of type comments.
    """

    type: Expr
    ident: Ident
    kwarg_only: bool
    default: Expr | None = dataclasses.field(default=None, kw_only=True)
    form: str = dataclasses.field(default="", kw_only=True)
    implied: bool = dataclasses.field(default=False, kw_only=True)

    def sexpr(self) -> Sexpr:
        """`(param ident (option type) (option) (kwarg_only))`, as in torch."""
        typed = not isinstance(self.type, EmptyTypeAnnotation)
        name = f"{self.form}{self.ident.name}" if "*" in self.form else self.ident.name
        type_ = option(self.type if typed else None)
        return "param", ("ident", name), type_, ("option",), (str(self.kwarg_only),)

    def to_ast(self) -> ast.arg:
        """A parameter, without its default."""
        bare = self.implied or isinstance(self.type, EmptyTypeAnnotation)
        return ast.arg(self.ident.name, None if bare else self.type.to_ast())


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class TypeParam(TreeView):
    """A type parameter, of `def f[T: int](x: T)`.

    Attributes:
        ident: its name.
        kind: the name of its class in `typing`.
        bound: what follows the colon.
        default: what follows the equals sign.
    """

    ident: Ident
    kind: str
    bound: Expr | None = None
    default: Expr | None = None

    def sexpr(self) -> Sexpr:
        """`(type_param ident (kind) (option bound) (option default))`."""
        parts = option(self.bound), option(self.default)
        return "type_param", self.ident.sexpr(), (self.kind,), *parts

    def to_ast(self) -> ast.AST:
        """A type parameter, where Python has them."""
        fields: dict[str, Any] = {"name": self.ident.name}
        if self.bound is not None:
            fields["bound"] = self.bound.to_ast()
        if self.default is not None:
            fields["default_value"] = self.default.to_ast()
        return getattr(ast, self.kind)(**fields)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Decl(TreeView):
    """The parameters of a function, and what it returns.

    Attributes:
        params: the parameters.
        return_type: the annotation of the result, also that of a type comment.
        commented: whether that is a comment.
    """

    place: SourceRange | None
    params: tuple[Param, ...]
    return_type: Expr | None = None
    commented: bool = dataclasses.field(default=False, kw_only=True)

    def sexpr(self) -> Sexpr:
        """`(decl (list param) (option type))`."""
        return "decl", listed(self.params), option(self.return_type)

    def to_ast(self) -> ast.arguments:
        """The parameters."""
        plain = [p for p in self.params if "*" not in p.form and not p.kwarg_only]
        named = [p for p in self.params if p.kwarg_only]
        rest = {p.form: p.to_ast() for p in self.params if "*" in p.form}
        return ast.arguments(
            posonlyargs=[p.to_ast() for p in plain if p.form == "/"],
            args=[p.to_ast() for p in plain if p.form != "/"],
            vararg=rest.get("*"),
            kwonlyargs=[p.to_ast() for p in named],
            kw_defaults=[maybe(p.default) for p in named],
            kwarg=rest.get("**"),
            defaults=[p.default.to_ast() for p in plain if p.default is not None],
        )


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Def(Stmt):
    """A function.

    Attributes:
        ident: its name.
        declaration: its parameters and what it returns.
        statements: its body, a docstring included.
        decorators: what stands after each @.
        type_params: what stands in brackets after its name.
    """

    ident: Ident
    declaration: Decl
    statements: tuple[Stmt, ...]
    decorators: tuple[Expr, ...] = dataclasses.field(default=(), kw_only=True)
    type_params: tuple[TypeParam, ...] = dataclasses.field(default=(), kw_only=True)

    def name(self) -> Ident:
        """Its name."""
        return self.ident

    def decl(self) -> Decl:
        """Its parameters and what it returns."""
        return self.declaration

    def sexpr(self) -> Sexpr:
        """`(def ident decl (list ...))`."""
        parts = self.ident.sexpr(), self.declaration.sexpr()
        return "def", *parts, listed(self.statements)

    def to_ast(self) -> ast.stmt:
        """A function definition; of a lambda, an expression."""
        decl, body = self.declaration, self.statements
        if not self.ident.is_identifier() and isinstance(body[0], Return):
            assert body[0].expr is not None
            return ast.Expr(ast.Lambda(decl.to_ast(), body[0].expr.to_ast()))
        returns = None if decl.commented else decl.return_type
        made = ast.FunctionDef(
            name=self.ident.name,
            args=decl.to_ast(),
            body=statements(body),
            decorator_list=expressions(self.decorators),
            returns=maybe(returns),
            lineno=1,
        )
        if "type_params" in made._fields:
            made.type_params = [part.to_ast() for part in self.type_params]  # type: ignore[misc]
        return made


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Lambda(Expr):
    """A lambda inside a function."""

    place: SourceRange | None
    declaration: Decl
    body: Expr

    def sexpr(self) -> Sexpr:
        """`(lambda decl body)`."""
        return "lambda", self.declaration.sexpr(), self.body.sexpr()

    def to_ast(self) -> ast.expr:
        """A lambda."""
        return ast.Lambda(self.declaration.to_ast(), self.body.to_ast())


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Property(TreeView):
    """A property of a class.

    Attributes:
        ident: its name.
        getter: what reads it; torch's name for it is `__name_getter`.
        setter: what assigns it.
    """

    place: SourceRange | None
    ident: Ident
    getter: Def
    setter: Def | None = None

    def name(self) -> str:
        """Its name."""
        return self.ident.name

    def getter_name(self) -> Ident:
        """The name of its getter."""
        return self.getter.name()

    def setter_name(self) -> Ident | None:
        """The name of its setter, None without one."""
        return None if self.setter is None else self.setter.name()

    def sexpr(self) -> Sexpr:
        """`(property ident getter (option setter))`."""
        parts = self.ident.sexpr(), self.getter.sexpr()
        return "property", *parts, option(self.setter)

    def to_ast(self) -> ast.stmt:
        """Its getter, as a function."""
        return self.getter.to_ast()


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ClassDef(Stmt):
    """A class.

    Attributes:
        ident: its name.
        body: its methods, by name.
        properties: its properties, by name.
        assigns: the assignments in its body.
        statements: its whole body, in the order of the source.
        bases: what it derives from.
        keywords: what is given by keyword beside them, as a metaclass.
        decorators: what stands after each @.
    """

    ident: Ident
    body: tuple[Def, ...]
    properties: tuple[Property, ...] = ()
    assigns: tuple[Assign, ...] = ()
    statements: tuple[Stmt, ...] = dataclasses.field(default=(), kw_only=True)
    bases: tuple[Expr, ...] = dataclasses.field(default=(), kw_only=True)
    keywords: tuple[Attribute, ...] = dataclasses.field(default=(), kw_only=True)
    decorators: tuple[Expr, ...] = dataclasses.field(default=(), kw_only=True)
    type_params: tuple[TypeParam, ...] = dataclasses.field(default=(), kw_only=True)

    def method_names(self) -> list[str]:
        """The names of its methods."""
        return [method.ident.name for method in self.body]

    def property_names(self) -> list[str]:
        """The names of its properties."""
        return [part.name() for part in self.properties]

    def sexpr(self) -> Sexpr:
        """`(class ident (option) (list def) (option properties) (option assigns))`."""
        parts = ("option",), listed(self.body)
        others = (("option", listed(p)) for p in (self.properties, self.assigns))
        return "class", self.ident.sexpr(), *parts, *others

    def to_ast(self) -> ast.stmt:
        """A class definition."""
        made = ast.ClassDef(
            name=self.ident.name,
            bases=expressions(self.bases),
            keywords=[part.to_ast() for part in self.keywords],
            body=statements(self.statements or self.assigns + self.body),
            decorator_list=expressions(self.decorators),
        )
        if "type_params" in made._fields:
            made.type_params = [part.to_ast() for part in self.type_params]  # type: ignore[misc]
        return made
