"""The element types of script's containers: inferred once, checked at every write.

- `common_type`: the type that all elements share.
- `element`: a value as the element of a type, or an error.
- `hinted`: the element types that an annotation gives.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from jaxgrad.errors import ContainerTypeError, KeyTypeError
from jaxgrad.graph import types

_NUMBERS: dict[types.Type, tuple[type, tuple[type, ...]]] = {
    types.BoolType.get(): (bool, (bool, np.bool_)),
    types.IntType.get(): (int, (int, np.bool_, np.integer)),
    types.FloatType.get(): (float, (int, float, np.bool_, np.integer, np.floating)),
    types.ComplexType.get(): (complex, (int, float, complex, np.number, np.bool_)),
}


def common_type(values: Iterable[Any], where: str) -> types.Type | None:
    """The type that all of some values share.

    Arrays are `Tensor`s whatever their dtype and shape; numbers of different classes
    have no common type, and None makes an `Optional`.

    Args:
        values: what the container is made of.
        where: what the values are, for the message.

    Returns:
        The type; None if there are no values.

    Raises:
        ContainerTypeError: a value has no type, or they have none in common.
    """
    found: types.Type | None = None
    for number, value in enumerate(values):
        inferred = types.try_infer(value)
        if not inferred.success():
            raise ContainerTypeError(
                f"{where} {number}: {inferred.reason()}.\n"
                f"  Expected arrays, numbers, strings, None, enums, or containers of "
                f"such; for a container that may be empty, give type_hint="
            )
        mine = _loosened(inferred.type())
        both = mine if found is None else _both(found, mine)
        if both is None:
            raise ContainerTypeError(
                f"{where} {number} is {mine}, but what stands before it is {found}; "
                f"all of them need one type.\n"
                f"  Convert them, for example with float(), or give type_hint="
            )
        found = both
    return found


def element(value: Any, wanted: types.Type, what: str, *, key: bool = False) -> Any:
    """A value as an element of a container.

    Args:
        value: anything.
        wanted: the type of the elements.
        what: the container and the part of it, for the message.
        key: whether it is the key of a dictionary.

    Returns:
        The value; a number as the class of the element type.

    Raises:
        ContainerTypeError: it is of another type; a `KeyTypeError` for a key.
    """
    if wanted in _NUMBERS:
        made, taken = _NUMBERS[wanted]
        if isinstance(value, taken):
            return made(value)
    elif _fits(value, wanted):
        return value
    inferred = types.try_infer(value)
    got = inferred.type() if inferred.success() else f"a {type(value).__name__}"
    error = KeyTypeError if key else ContainerTypeError
    raise error(
        f"{what} is {_short(value)}, {got}; expected {wanted}.\n"
        f"  Convert it, or make the container with type_hint= for a wider type"
    )


def hinted(hint: Any, kind: type[types.Type], example: str) -> tuple[types.Type, ...]:
    """The element types that an annotation gives.

    Args:
        hint: an annotation, or a type of a graph.
        kind: the type that it has to be.
        example: an annotation as it should be, for the message.

    Returns:
        What is between its brackets.

    Raises:
        ContainerTypeError: it is the type of something else.
    """
    found = types.from_annotation(hint)
    if not isinstance(found, kind):
        raise ContainerTypeError(
            f"type_hint is {found}; expected a {kind.__name__}, for example {example}"
        )
    return tuple(map(_loosened, found.contained_types()))


def _loosened(found: types.Type) -> types.Type:
    """A type in which arrays are `Tensor`s."""
    if type(found) is types.TensorType:
        return types.TensorType.get()
    inner = [_loosened(t) for t in found.contained_types()]
    match found:
        case types.TupleType():
            return types.TupleType(inner, found.name(), found.field_names())
        case types.ListType() | types.OptionalType():
            return type(found)(inner[0])
        case types.DictType():
            return types.DictType(*inner)
        case types.UnionType():
            return types.UnionType(inner)
    return found


def _both(a: types.Type, b: types.Type) -> types.Type | None:
    optional = types.NoneType | types.OptionalType
    if a == b or isinstance(a, optional) or isinstance(b, optional):
        return types.join(a, b)
    # A number next to an array stays a mistake, as it is where one is stored later.
    return types.join(a, b) if a.contained_types() and b.contained_types() else None


def _fits(value: Any, wanted: types.Type) -> bool:
    """Whether a value, an empty list or dictionary too, is of a type."""
    match wanted:
        case types.OptionalType() if value is None:
            return True
        case types.OptionalType():
            return _fits(value, wanted.get_element_type())
        case types.ListType() if isinstance(value, list):
            return all(_fits(v, wanted.get_element_type()) for v in value)
        case types.DictType() if isinstance(value, dict):
            keys = all(_fits(k, wanted.get_key_type()) for k in value)
            return keys and all(
                _fits(v, wanted.get_value_type()) for v in value.values()
            )
        case types.TupleType() if isinstance(value, tuple) and wanted.name() is None:
            inner = wanted.elements()
            return len(inner) == len(value) and all(map(_fits, value, inner))
        case types.AnyType():
            return True
    inferred = types.try_infer(value)
    return inferred.success() and _loosened(inferred.type()).is_subtype_of(wanted)


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else f"{text[:37]}..."
