"""`try_infer`: the type of a value, or the reason why it has none."""

import dataclasses
import enum
from typing import Any

import jax
import numpy as np

from jaxgrad import _compat
from jaxgrad.errors import GraphError
from jaxgrad.graph._join import join
from jaxgrad.graph._type_base import (
    BoolType,
    ClassType,
    ComplexType,
    DimType,
    EnumType,
    FloatType,
    IntType,
    NoneType,
    StringType,
    Type,
    qualified,
)
from jaxgrad.graph._type_containers import DictType, ListType, PyTreeType, TupleType
from jaxgrad.graph._type_tensor import of_aval

_SCALARS: dict[type, Type] = {
    bool: BoolType.get(),
    int: IntType.get(),
    float: FloatType.get(),
    complex: ComplexType.get(),
    str: StringType.get(),
    type(None): NoneType.get(),
}
_ARRAYS = (jax.Array, np.ndarray, np.generic, jax.ShapeDtypeStruct)


@dataclasses.dataclass(frozen=True, slots=True)
class InferredType:
    """What `try_infer` found: a type, or the reason why there is none.

    Example:
        >>> try_infer([1, 2]).type()
        List[int]
        >>> try_infer([1, "a"]).success()
        False
    """

    _type: Type | None
    _reason: str = ""

    def success(self) -> bool:
        """Whether there is a type."""
        return self._type is not None

    def reason(self) -> str:
        """Why there is no type, naming the element; "" after a success."""
        return self._reason

    def type(self) -> Type:
        """The type.

        Returns:
            It.

        Raises:
            GraphError: If there is none; the message is the reason.
        """
        if self._type is None:
            raise GraphError(self._reason)
        return self._type


class _NoType(Exception):
    """Why a value has no type."""


def try_infer(value: Any) -> InferredType:
    """The type of a value.

    The elements of a list, and the keys and the values of a dictionary, need a common
    type (`join`); those of a tuple don't. Dataclasses and classes that are registered
    with JAX are `PyTreeType`s, other dataclasses `ClassType`s. Arrays of numpy have
    the dtype that JAX gives them.

    Args:
        value: an array, `jax.ShapeDtypeStruct`, `jax.Ref`, number, string, None, enum,
            symbolic dimension, or a container of such.

    Returns:
        The type, or the reason why there is none.

    Example:
        >>> try_infer({"w": np.zeros(3, np.float32)}).type()
        Dict[str, f32[3]]
        >>> try_infer((1, object())).reason()
        'value[1] is an object, which no type of a graph describes'
    """
    try:
        return InferredType(_infer(value, "value", ()))
    except _NoType as error:
        return InferredType(None, str(error))


def _infer(value: Any, path: str, around: tuple[int, ...]) -> Type:
    if type(value) in _SCALARS:
        return _SCALARS[type(value)]
    if isinstance(value, enum.Enum):
        return EnumType(qualified(type(value)), type(value))
    if isinstance(value, _ARRAYS) or _compat.is_ref(value):
        return _infer_array(value, path)
    if jax.export.is_symbolic_dim(value):
        return DimType(value)
    for scalar, found in _SCALARS.items():
        if isinstance(value, scalar):
            return found
    if id(value) in around:
        raise _NoType(f"{path} contains itself")
    return _infer_container(value, path, (*around, id(value)))


def _infer_array(value: Any, path: str) -> Type:
    try:
        return of_aval(jax.typeof(value))
    except TypeError:
        dtype = getattr(value, "dtype", None)
        raise _NoType(
            f"{path} is an array of {dtype}, a dtype that JAX has not"
        ) from None


def _infer_container(value: Any, path: str, around: tuple[int, ...]) -> Type:
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        labels = [f"[{i}]" for i in range(len(value))]
        labels = labels if names is None else [f".{n}" for n in names]
        pairs = zip(labels, value, strict=True)
        elements = [_infer(v, path + label, around) for label, v in pairs]
        if names is None:
            return TupleType(elements)
        return TupleType(elements, qualified(type(value)), names)
    if isinstance(value, list):
        labels = [f"[{i}]" for i in range(len(value))]
        return ListType(_common(value, labels, path, around))
    if type(value) is dict:
        keys = _common(list(value), [f" key {k!r}" for k in value], path, around)
        labels = [f"[{k!r}]" for k in value]
        return DictType(keys, _common(list(value.values()), labels, path, around))
    return _infer_object(value, path, around)


def _common(
    values: list[Any], labels: list[str], path: str, around: tuple[int, ...]
) -> Type:
    """The type that all `values` share."""
    if not values:
        raise _NoType(
            f"{path} is empty, so that it has no element to take a type from; "
            f"annotate it, for example List[Tensor]"
        )
    found = _infer(values[0], path + labels[0], around)
    for value, label in zip(values[1:], labels[1:], strict=True):
        mine = _infer(value, path + label, around)
        both = join(found, mine)
        if both is None:
            raise _NoType(
                f"{path}{label} is {mine}, but what stands before it is {found}; "
                f"they have no common type"
            )
        found = both
    return found


def _infer_object(value: Any, path: str, around: tuple[int, ...]) -> Type:
    if not jax.tree_util.all_leaves([value]):
        flat, treedef = jax.tree_util.tree_flatten_with_path(value)
        leaves = [
            _infer(leaf, path + jax.tree_util.keystr(keys), around)
            for keys, leaf in flat
        ]
        return PyTreeType(qualified(type(value)), leaves, treedef)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        attributes = {
            field.name: _infer(
                getattr(value, field.name), f"{path}.{field.name}", around
            )
            for field in dataclasses.fields(value)
        }
        return ClassType(qualified(type(value)), attributes, type(value))
    name = type(value).__name__
    article = "an" if name[0].lower() in "aeio" else "a"
    raise _NoType(f"{path} is {article} {name}, which no type of a graph describes")
