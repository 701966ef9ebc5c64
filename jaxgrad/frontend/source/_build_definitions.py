"""Tree views of functions and classes.

- `get_def`, `get_class_def`: of live ones; `parse_def`: of text;
- `definition`, `declaration`: of their nodes.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from typing import Any, NoReturn

from jaxgrad.errors import ScriptError
from jaxgrad.frontend.source._build import (
    Builder,
    expression,
    expressions,
    keywords,
    maybe,
)
from jaxgrad.frontend.source._build_statements import block, statement
from jaxgrad.frontend.source._errors import script_error
from jaxgrad.frontend.source._find import Source, source_of
from jaxgrad.frontend.source._given import parse_text
from jaxgrad.frontend.source._supported import unsupported
from jaxgrad.frontend.source._tree import Expr, Ident
from jaxgrad.frontend.source._tree_definitions import (
    ClassDef,
    Decl,
    Def,
    Param,
    Property,
    TypeParam,
)
from jaxgrad.frontend.source._tree_expressions import Select
from jaxgrad.frontend.source._tree_statements import Assign, Return
from jaxgrad.frontend.source._tree_values import EmptyTypeAnnotation, Var
from jaxgrad.frontend.source._type_comments import SignatureTypes, signature_types
from jaxgrad.graph import SourceRange


def get_def(fn: Any, name: str | None = None, self_name: str | None = None) -> Def:
    """The tree view of a live function.

    Args:
        fn: a function, a method, or a lambda, whose body becomes a `return`.
        name: the name of the view; by default that of the function.
        self_name: for a method, the name of its class: the type of `self`.

    Returns:
        The view.

    Raises:
        ScriptError: there is no source, or it holds what script's language leaves out.

    Example:
        >>> import textwrap
        >>> from jaxgrad.frontend.source import trees
        >>> trees.get_def(textwrap.shorten).name()
        Ident('shorten')
    """
    source = source_of(fn)
    return view_of(source, name, self_name)


def view_of(
    source: Source, name: str | None = None, self_name: str | None = None
) -> Def:
    """The tree view of a function's source; see `get_def`."""
    node, named = source.node, name or source.name
    b = Builder(source.filename, source.name, self_name or "")
    if isinstance(node, ast.Lambda):
        place = source.range()
        decl = declaration(b, node, place)
        body = Return(b.range(node.body), expression(b, node.body))
        return Def(Ident(place, named), decl, (body,), place=place)
    if not isinstance(node, ast.FunctionDef):
        if isinstance(node, ast.ClassDef):
            message = f"{source.name} is a class"
            raise script_error(source.range(), message, "use get_class_def")
        raise unsupported(source, node)
    return definition(b, node, named)


def parse_def(
    text: str, filename: str | None = None, self_name: str | None = None
) -> Def:
    """The tree view of the one function in a text.

    Args:
        text: the source of a function, or of a lambda.
        filename: the name to register it under, see `parse_text`.
        self_name: for a method, the name of its class: the type of `self`.

    Returns:
        The view; a ScriptError if the text isn't Python, isn't one function, or holds
        something that script's language leaves out.

    Example:
        >>> from jaxgrad.frontend.source import trees
        >>> print(trees.code(trees.parse_def("def f(x): return x+1")))
        def f(x):
            return x + 1
    """
    module, filename = parse_text(text, filename)
    body = module.body
    node: Any = body[0] if len(body) == 1 else None
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Lambda):
        return view_of(Source(filename, node.value, "<lambda>"))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return view_of(Source(filename, node, node.name), self_name=self_name)
    return _no_function(filename, node, len(body))


def _no_function(filename: str, node: ast.AST | None, count: int) -> NoReturn:
    message = f"the text is not one function, but {count} statements"
    if node is not None:
        message = f"the text is not a function, but a {type(node).__name__}"
    raise script_error(SourceRange(filename, 1), message, "give one `def`")


def definition(b: Builder, node: ast.FunctionDef, name: str | None = None) -> Def:
    """The view of a function.

    Args:
        b: the source.
        node: the function.
        name: the name of the view; by default its own.

    Returns:
        The view.
    """
    place = b.range(node)
    method = bool(b.self_name)
    comments = signature_types(b.filename, node, method=method)
    return Def(
        Ident(place, node.name if name is None else name),
        declaration(b, node, place, comments),
        block(b, node.body),
        decorators=expressions(b, node.decorator_list),
        type_params=_type_params(b, node),
        place=place,
    )


def declaration(
    b: Builder,
    node: ast.FunctionDef | ast.Lambda,
    place: SourceRange,
    comments: SignatureTypes | None = None,
) -> Decl:
    """The view of the parameters of a function, and of what it returns.

    Args:
        b: the source.
        node: the function.
        place: where it stands.
        comments: what its type comments say; they go before annotations.

    Returns:
        The view.
    """
    typed = {} if comments is None else comments.parameters
    params = []
    for arg, default, form, named in _parameters(node.args):
        type_ = _type(b, arg, typed)
        implied = arg.arg in typed or (
            arg.annotation is None and not isinstance(type_, EmptyTypeAnnotation)
        )
        ident = b.ident(arg, arg.arg)
        made = Param(type_, ident, named, default=maybe(b, default), form=form)
        place_ = b.range(arg)
        params.append(dataclasses.replace(made, implied=implied, place=place_))
    if comments is not None and comments.returns is not None:
        returns = expression(b, comments.returns)
        return Decl(place, tuple(params), returns, commented=True)
    written = node.returns if isinstance(node, ast.FunctionDef) else None
    return Decl(place, tuple(params), maybe(b, written))


def _parameters(
    args: ast.arguments,
) -> Iterator[tuple[ast.arg, ast.expr | None, str, bool]]:
    """Each parameter, its default, its form, and whether it goes by keyword only."""
    plain = [(a, "/") for a in args.posonlyargs] + [(a, "") for a in args.args]
    first = len(plain) - len(args.defaults)
    for i, (arg, form) in enumerate(plain):
        yield arg, args.defaults[i - first] if i >= first else None, form, False
    if args.vararg is not None:
        yield args.vararg, None, "*", False
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        yield arg, default, "", True
    if args.kwarg is not None:
        yield args.kwarg, None, "**", False


def _type(b: Builder, arg: ast.arg, typed: dict[str, ast.expr]) -> Expr:
    if arg.arg in typed:
        return expression(b, typed[arg.arg])
    if arg.annotation is not None:
        return expression(b, arg.annotation)
    if b.self_name and arg.arg == "self":
        place = b.range(arg)
        return Var(Ident(place, b.self_name), place=place)
    return EmptyTypeAnnotation(b.range(arg))


def _type_params(b: Builder, node: Any) -> tuple[TypeParam, ...]:
    return tuple(
        TypeParam(
            Ident(b.range(part), part.name),
            type(part).__name__,
            maybe(b, getattr(part, "bound", None)),
            maybe(b, getattr(part, "default_value", None)),
            place=b.range(part),
        )
        for part in getattr(node, "type_params", ())
    )


# --- classes --------------------------------------------------------------------------


def get_class_def(cls: type, self_name: str | None = None) -> ClassDef:
    """The tree view of a class.

    Args:
        cls: the class.
        self_name: the name of the view; by default that of the class.

    Returns:
        The view: methods and properties in the order of their names, as in torch.

    Raises:
        ScriptError: there is no source, or it holds what script's language leaves out.

    Example:
        >>> from jaxgrad.frontend.source import trees
        >>> trees.get_class_def(trees.SourceRangeFactory).property_names()
        ['source']
    """
    source = source_of(cls)
    if not isinstance(source.node, ast.ClassDef):
        raise ScriptError(f"{cls!r} is no class that source can be found of")
    return class_view(source, self_name or cls.__name__)


def class_view(source: Source, name: str) -> ClassDef:
    """The tree view of a class's source; see `get_class_def`."""
    node: Any = source.node
    b = Builder(source.filename, name)
    body = [
        definition(Builder(source.filename, part.name, name), part)
        if isinstance(part, ast.FunctionDef)
        else statement(b, part)
        for part in node.body
    ]
    methods = [part for part in body if isinstance(part, Def)]
    plain = [m for m in methods if not _marks(m) & {"property", "setter", "deleter"}]
    plain = [m for m in plain if "staticmethod" not in _marks(m)]
    return ClassDef(
        Ident(source.range(), name),
        tuple(sorted(plain, key=lambda m: m.ident.name)),
        tuple(_properties(methods)),
        tuple(part for part in body if isinstance(part, Assign)),
        statements=tuple(body),
        bases=expressions(b, node.bases),
        keywords=keywords(b, node.keywords),
        decorators=expressions(b, node.decorator_list),
        type_params=_type_params(b, node),
        place=source.range(),
    )


def _marks(method: Def) -> set[str]:
    """The last names of the decorators of a method."""
    found = set()
    for decorator in method.decorators:
        if isinstance(decorator, Var):
            found.add(decorator.name.name)
        elif isinstance(decorator, Select):
            found.add(decorator.ident.name)
    return found


def _properties(methods: list[Def]) -> Iterator[Property]:
    setters = {m.ident.name: m for m in methods if "setter" in _marks(m)}
    getters = {m.ident.name: m for m in methods if "property" in _marks(m)}
    for name, getter in sorted(getters.items()):
        setter = setters.get(name)
        parts = _renamed(getter, f"__{name}_getter")
        other = None if setter is None else _renamed(setter, f"__{name}_setter")
        ident = Ident(getter.range(), name)
        yield Property(getter.range(), ident, parts, other)


def _renamed(method: Def, name: str) -> Def:
    ident = Ident(method.ident.place, name)
    return dataclasses.replace(method, ident=ident)
