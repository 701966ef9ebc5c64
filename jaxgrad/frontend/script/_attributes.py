"""The types of a script object's attributes.

- `declared`: those that the annotations of a class give, and which are constants.
- `inferred`: that of a value.
- `stored`: a value as an attribute of a type holds it.
"""

from __future__ import annotations

import inspect
import sys
import typing
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import AttributeWriteError, GraphError
from jaxgrad.frontend.script._dict import ScriptDict
from jaxgrad.frontend.script._elements import _loosened as loosened
from jaxgrad.frontend.script._list import ScriptList
from jaxgrad.graph import types
from jaxgrad.lower.script._values import is_array

ANY = types.AnyType.get()
_NUMBERS: dict[types.Type, tuple[type, tuple[type, ...], Any]] = {
    types.BoolType.get(): (bool, (bool, np.bool_), jnp.bool_),
    types.IntType.get(): (int, (int, np.integer), jnp.integer),
    types.FloatType.get(): (float, (int, float, np.number), jnp.floating),
    types.ComplexType.get(): (complex, (int, float, complex, np.number), jnp.number),
}


def declared(cls: type) -> tuple[dict[str, types.Type], frozenset[str]]:
    """What the annotations of a class say of its attributes.

    Args:
        cls: the class.

    Returns:
        The types that are known, and the names of the constants.
    """
    found: dict[str, types.Type] = {}
    constants: set[str] = set()
    for base in reversed(cls.__mro__):
        for name, said in inspect.get_annotations(base).items():
            annotation = _resolved(said, base)
            if _is_final(annotation):
                constants.add(name)
            elif not _is_class_variable(annotation):
                try:
                    found[name] = loosened(types.from_annotation(annotation))
                except (GraphError, TypeError):
                    found[name] = ANY
    return found, frozenset(constants)


def _resolved(annotation: Any, cls: type) -> Any:
    """An annotation that is a text, as what it says where the class is defined."""
    if not isinstance(annotation, str):
        return annotation
    scope = vars(sys.modules.get(cls.__module__, typing))
    try:
        return eval(annotation, dict(scope))
    except Exception:  # a name that isn't there
        return typing.Any


def _is_final(annotation: Any) -> bool:
    return typing.get_origin(annotation) is typing.Final or annotation is typing.Final


def _is_class_variable(annotation: Any) -> bool:
    return typing.get_origin(annotation) is typing.ClassVar


def inferred(value: Any) -> types.Type:
    """The type of an attribute that has a value; `Any` where the value doesn't say."""
    if value is None:
        return ANY
    found = types.try_infer(value)
    return loosened(found.type()) if found.success() else ANY


def stored(value: Any, wanted: types.Type, name: str) -> Any:
    """A value as an attribute of a type holds it.

    Args:
        value: anything.
        wanted: the type.
        name: the attribute, for the message.

    Returns:
        The value; a number as the class of the type.

    Raises:
        AttributeWriteError: it is of another type.
    """
    if fits(value, wanted):
        known = _NUMBERS.get(wanted)
        kept = known is None or isinstance(value, jax.Array | np.ndarray)
        return value if kept else known[0](value)
    found = types.try_infer(value)
    got = found.type() if found.success() else type(value).__name__
    raise AttributeWriteError(
        f"the attribute {name!r} is of type {wanted}; it can't be set to {got}.\n"
        "  Convert the value, or annotate the attribute in the class with a wider type"
    )


def fits(value: Any, wanted: types.Type) -> bool:
    """Whether a value is of a type; numbers that arrays stand for are numbers."""
    match wanted:
        case types.OptionalType():
            return value is None or fits(value, wanted.get_element_type())
        case types.ListType() if isinstance(value, list | ScriptList):
            return all(fits(v, wanted.get_element_type()) for v in value)
        case types.DictType() if isinstance(value, dict | ScriptDict):
            of = wanted.get_value_type()
            return all(fits(v, of) for v in value.values())
        case types.TupleType() if isinstance(value, tuple):
            inner = wanted.elements()
            return len(inner) == len(value) and all(map(fits, value, inner))
        case types.UnionType():
            return any(fits(value, each) for each in wanted.contained_types())
        case types.AnyType() | types.ClassType() | types.EnumType():
            return True
    if wanted in _NUMBERS:
        _, taken, family = _NUMBERS[wanted]
        if is_array(value) and not isinstance(value, np.generic):
            return value.shape == () and jnp.issubdtype(value.dtype, family)
        return isinstance(value, taken) and (taken[0] is bool) >= (type(value) is bool)
    found = types.try_infer(value)
    return found.success() and loosened(found.type()).is_subtype_of(wanted)
