"""`from_annotation`: the type that an annotation means."""

import collections.abc
import dataclasses
import enum
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jaxgrad.errors import GraphError
from jaxgrad.graph._type_base import (
    AnyType,
    BoolType,
    ClassType,
    ComplexType,
    EnumType,
    FloatType,
    IntType,
    NoneType,
    NumberType,
    StringType,
    Type,
    qualified,
)
from jaxgrad.graph._type_containers import (
    DictType,
    ListType,
    OptionalType,
    TupleType,
    UnionType,
)
from jaxgrad.graph._type_tensor import RefType, TensorType, of_aval
from jaxgrad.graph._type_text import parse

_PLAIN: dict[Any, Type] = {
    None: NoneType.get(),
    type(None): NoneType.get(),
    Any: AnyType.get(),
    object: AnyType.get(),
    inspect.Parameter.empty: TensorType.get_inferred(),
    jax.Array: TensorType.get(),
    jax.typing.ArrayLike: TensorType.get(),
    np.ndarray: TensorType.get(),
    jax.Ref: RefType(TensorType.get()),
    bool: BoolType.get(),
    int: IntType.get(),
    float: FloatType.get(),
    complex: ComplexType.get(),
    str: StringType.get(),
}
_LISTS = (list, collections.abc.Sequence, collections.abc.MutableSequence)
_DICTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_WRAPPERS = (typing.Annotated, typing.Final, typing.ClassVar)


def from_annotation(annotation: Any) -> Type:
    """The type that an annotation means.

    Args:
        annotation: a class, a form of `typing`, None, a Type, a `jax.ShapeDtypeStruct`
            (an array of just that type), or a text that `types.parse` reads. A missing
            annotation (`inspect.Parameter.empty`) means an array, as in TorchScript.

    Returns:
        The type.

    Raises:
        GraphError: If the annotation is none of these.

    Example:
        >>> from_annotation(dict[str, jax.Array | None])
        Dict[str, Optional[Tensor]]
    """
    if isinstance(annotation, Type):
        return annotation
    if isinstance(annotation, str):
        return parse(annotation)
    if isinstance(annotation, jax.ShapeDtypeStruct):
        return of_aval(jax.typeof(annotation))
    plain = _plain(annotation)
    if plain is not None:
        return plain
    if isinstance(annotation, typing.TypeVar):
        return AnyType.get()
    if isinstance(annotation, typing.NewType):
        return from_annotation(annotation.__supertype__)
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        return _of_class(annotation)
    return _of_form(annotation)


def _plain(annotation: Any) -> Type | None:
    try:
        return _PLAIN.get(annotation)
    except TypeError:  # not hashable
        return None


def _of_class(cls: type) -> Type:
    if cls in _LISTS or cls in _DICTS or cls is tuple:
        raise GraphError(
            f"the annotation {cls.__name__} doesn't say what is inside; write "
            f"{'dict[str, int]' if cls in _DICTS else f'{cls.__name__}[int]'}"
        )
    name = qualified(cls)
    if issubclass(cls, enum.Enum):
        return EnumType(name, cls)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        hints = _hints(cls)
        fields = list(cls._fields)
        missing = inspect.Parameter.empty
        elements = [from_annotation(hints.get(f, missing)) for f in fields]
        return TupleType(elements, name, fields)
    if dataclasses.is_dataclass(cls):
        return ClassType(name, _attributes(cls), cls)
    return ClassType(name, python_class=cls)


def _attributes(cls: type) -> dict[str, Type]:
    """The types of a dataclass's fields, those that are known."""
    found, hints = {}, _hints(cls)
    for field in dataclasses.fields(cls):
        try:
            # A field of the class itself would go on for ever.
            if hints[field.name] is not cls:
                found[field.name] = from_annotation(hints[field.name])
        except (GraphError, KeyError, RecursionError):
            continue
    return found


def _hints(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls)
    except (NameError, TypeError):
        return dict(inspect.get_annotations(cls))


def _of_form(annotation: Any) -> Type:
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return _of_union([from_annotation(arg) for arg in args])
    if origin in _WRAPPERS:
        return from_annotation(args[0])
    if origin is typing.Literal:
        kinds = dict.fromkeys(from_annotation(type(arg)) for arg in args)
        return _of_union(list(kinds))
    if origin in _LISTS and len(args) == 1:
        return ListType(from_annotation(args[0]))
    if origin in _DICTS and len(args) == 2:
        return DictType(*map(from_annotation, args))
    if origin is tuple and ... not in args:
        return TupleType(map(from_annotation, args))
    if isinstance(origin, type) and origin is not tuple and not _is_callable(origin):
        return ClassType(qualified(origin), python_class=origin)
    raise GraphError(
        f"no type of a graph describes the annotation {annotation!r}; use jax.Array, a "
        f"Python type, list, dict, tuple of a fixed length, Optional, or a class"
    )


def _is_callable(origin: Any) -> bool:
    return origin is collections.abc.Callable or origin is Callable


def _of_union(members: list[Type]) -> Type:
    some = list(dict.fromkeys(m for m in members if not isinstance(m, NoneType)))
    if not some:
        return NoneType.get()
    numbers = {IntType.get(), FloatType.get(), ComplexType.get()}
    if set(some) == numbers:
        inner: Type = NumberType.get()
    else:
        inner = some[0] if len(some) == 1 else UnionType(some)
    return inner if len(some) == len(set(members)) else OptionalType(inner)
