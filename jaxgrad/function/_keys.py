"""The cache key of a call: its structure and static values, without its arrays.

- `quick_key`: for ordinary calls on concrete arrays, by exact types, as fast as can be.
- `sort`: for every call.
"""

import dataclasses
import functools
import types
from typing import Any, NamedTuple

import jax

from jaxgrad import _compat
from jaxgrad.function import _refs
from jaxgrad.function._signature import Signature
from jaxgrad.function._spec import ARRAY, REF
from jaxgrad.function._trees import is_array

_KEYED = frozenset({int, bool, str, bytes, type(None)})
_CONTAINERS = frozenset({dict, list, tuple})


class Sorted(NamedTuple):
    """The leaves of a call, taken apart.

    Attributes:
        arrays: the arrays, in order.
        marks: one hashable entry for each leaf.
        cacheable: whether equal marks mean equal static values.
        refs: the `jax.Ref`s, in order.
    """

    arrays: list[Any]
    marks: list[Any]
    cacheable: bool
    refs: list[Any]


def quick_key(
    signature: Signature,
    array_type: type,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> tuple[Any, list[Any]] | None:
    """A key for a call with concrete arrays, containers and plain static values.

    Calling a small compiled function takes five microseconds, so that this loop is
    written for speed: it decides by exact types alone, and leaves anything unusual to
    `sort`.

    Returns:
        The key and the arrays, or None for an unusual call.
    """
    values = signature.quick(args, kwargs)
    if values is None:
        return None
    key, arrays = [], []
    for value in values:
        kind = type(value)
        if kind is array_type:
            arrays.append(value)
            key.append(None)
        elif kind in _KEYED:
            key.append(kind)
            key.append(value)
        elif kind is float:
            key.append(kind)
            key.append(value.hex())
        elif kind in _CONTAINERS:
            leaves, treedef = jax.tree.flatten(value)
            key.append(treedef)
            for leaf in leaves:
                kind = type(leaf)
                if kind is array_type:
                    arrays.append(leaf)
                    key.append(None)
                elif kind in _KEYED:
                    key.append(kind)
                    key.append(leaf)
                else:
                    return None
        else:
            return None
    return tuple(key), arrays


def sort(owner: str, array_type: type, leaves: list[Any]) -> Sorted:
    """Take the arrays and Refs out of `leaves`; `ARRAY` and `REF` stand for them."""
    arrays, marks, cacheable, refs = [], [], True, []
    for position, leaf in enumerate(leaves):
        kind = type(leaf)
        if kind is not array_type and _compat.is_ref(leaf):
            refs.append(leaf)
            marks.append(REF)
            leaves[position] = REF
        elif kind is array_type or is_array(leaf):
            arrays.append(leaf)
            marks.append(ARRAY)
            leaves[position] = ARRAY
        elif kind is float:
            # 0.0 and -0.0 are equal and NaNs are not; their bits are what matters.
            marks.append((kind, leaf.hex()))
        elif kind is int or kind is bool or kind is str:
            marks.append((kind, leaf))
        else:
            marks.append(_mark(owner, leaf))
            cacheable = cacheable and marks[-1][0] is not id
    return Sorted(arrays, marks, cacheable, refs)


def _mark(owner: str, leaf: Any) -> tuple[Any, Any]:
    if _refs.is_view(leaf):
        _refs.refuse_view(owner)
    if isinstance(leaf, complex):
        return type(leaf), repr(leaf)
    if _is_mutable(leaf):
        # The Spec keeps the value alive, so its id stays its own.
        return id, id(leaf)
    if dataclasses.is_dataclass(leaf) and not isinstance(leaf, type):
        # Equal ones may hold 2 and 2.0, which make different programs.
        fields = dataclasses.fields(leaf)
        kinds = tuple(type(getattr(leaf, field.name)) for field in fields)
        return type(leaf), (leaf, kinds)
    return type(leaf), leaf


def _is_mutable(value: Any) -> bool:
    """Whether equal keys don't mean equal values: what is in them can change."""
    try:
        hash(value)
    except TypeError:
        return True
    if isinstance(value, types.MethodType):
        return not isinstance(value.__self__, type | types.ModuleType)
    if isinstance(value, types.FunctionType):
        return bool(value.__closure__)
    if isinstance(value, functools.partial):
        return True
    if isinstance(value, type | types.ModuleType) or hasattr(value, "__wrapped__"):
        return False
    by_identity = type(value).__hash__ is object.__hash__
    slots = any(getattr(base, "__slots__", ()) for base in type(value).__mro__)
    return by_identity and (slots or bool(getattr(value, "__dict__", None)))
