"""The types that the annotations and type comments of a function mean.

- `types_of`: those of a declaration.
"""

from __future__ import annotations

import ast
import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

import jax

from jaxgrad.errors import GraphError
from jaxgrad.frontend.source._errors import script_error
from jaxgrad.frontend.source._tree import Expr
from jaxgrad.frontend.source._tree_definitions import Decl
from jaxgrad.frontend.source._tree_values import EmptyTypeAnnotation
from jaxgrad.graph import types

# What source that comes as text, and type comments, may name without an import.
_KNOWN: dict[str, Any] = {
    "Tensor": jax.Array,
    "Array": jax.Array,
    **{
        name: getattr(typing, name)
        for name in ("Any", "Dict", "Final", "List", "Optional", "Tuple", "Union")
    },
}
_KINDS = "an array, a Python type, List, Dict, Tuple, Optional, or a class"


@dataclasses.dataclass(frozen=True)
class Declared:
    """The types of a declaration.

    Attributes:
        parameters: a type for each parameter; arrays where there is no annotation.
        returns: the type of the result, None where there is no annotation.
    """

    parameters: dict[str, types.Type]
    returns: types.Type | None

    def schema(self, name: str) -> str:
        """The types as text.

        Args:
            name: the name of the function.

        Returns:
            The text, as torch writes schemas.

        Example:
            >>> from jaxgrad.frontend.source import trees
            >>> tree = trees.parse_def("def f(x, n: int) -> Tensor: return x * n")
            >>> trees.types_of(tree.decl(), {}).schema("f")
            'f(Tensor x, int n) -> Tensor'
        """
        inputs = ", ".join(f"{type_} {key}" for key, type_ in self.parameters.items())
        returned = "Tensor" if self.returns is None else str(self.returns)
        return f"{name}({inputs}) -> {returned}"


def types_of(decl: Decl, namespace: Mapping[str, Any]) -> Declared:
    """The types that the annotations of a declaration mean.

    Args:
        decl: the declaration.
        namespace: what the names in annotations mean, first of all. `Tensor` and the
            containers of `typing` are known without.

    Returns:
        The types.

    Raises:
        ScriptError: an annotation is no type; at its place.
    """
    parameters = {
        param.ident.name: types.TensorType.get()
        if isinstance(param.type, EmptyTypeAnnotation)
        else _type(param.type, namespace)
        for param in decl.params
    }
    returned = decl.return_type
    return Declared(
        parameters, None if returned is None else _type(returned, namespace)
    )


def _type(annotation: Expr, namespace: Mapping[str, Any]) -> types.Type:
    tree = ast.fix_missing_locations(ast.Expression(annotation.to_ast()))
    text = ast.unparse(tree)
    try:
        value = _evaluate(text, namespace)
        return types.from_annotation(value)
    except NameError as error:
        name = getattr(error, "name", None) or text
        message, cause = f"{name!r} in the annotation {text} is no known name", error
    except GraphError as error:
        message, cause = f"the annotation {text} is no type: {error}", error
    except Exception as error:  # whatever the user's classes raise
        message, cause = f"the annotation {text} is no type ({error})", error
    raise script_error(annotation.range(), message, f"use {_KINDS}") from cause


def _evaluate(text: str, namespace: Mapping[str, Any]) -> Any:
    """The value of an annotation; strings in it stand for what they hold."""

    def holder() -> None:
        """Holds the annotation, as `typing` looks into functions and classes."""

    space = {**_KNOWN, **namespace}
    value = eval(compile(text, "<annotation>", "eval"), space)
    holder.__annotations__ = {"held": value}
    try:
        return typing.get_type_hints(holder, space, space, include_extras=True)["held"]
    except (NameError, SyntaxError):
        if isinstance(value, str):  # perhaps the text of a type of graphs
            return value
        raise
