"""Subscripts of containers and arrays, with indices that may be traced."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.lower.script._calls import call_method, is_users
from jaxgrad.lower.script._places import call_at
from jaxgrad.lower.script._segment import (
    has_segments,
    is_open,
    item_open,
    set_open,
    spread,
    unknown_length,
)
from jaxgrad.lower.script._template import type_of
from jaxgrad.lower.script._values import (
    is_array,
    is_integer,
    is_number,
    is_traced,
    short,
)

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Session


def get_item(session: Session, owner: Any, index: Any) -> Any:
    """`owner[index]`."""
    if is_open(owner):
        if isinstance(index, slice):
            raise unknown_length(session, "a slice")
        return item_open(session, owner, index)
    if is_integer(index) and getattr(type(owner), "_contains", False):
        owner = owner._content
    if isinstance(owner, list | tuple) and is_integer(index):
        return _pick(session, owner, index)
    if isinstance(owner, dict) and is_traced(index):
        raise traced_key(session, index)
    if isinstance(owner, np.ndarray) and _is_traced_index(index):
        owner = jnp.asarray(owner)
    return call_at(session.place, operator.getitem, (owner, index))


def traced_key(session: Session, key: Any) -> Exception:
    """The error for a key of a dict that is traced."""
    return session.needs_python(
        "it looks up a key that depends on the round",
        f"a traced {short(key)} can't be the key of a dict",
        "use a Python value, or an array that is indexed by it",
    )


def _is_traced_index(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return any(map(is_traced, parts))


def _pick(session: Session, owner: Sequence[Any], index: Any) -> Any:
    """An element whose number is traced: they have to be alike, and are stacked."""
    values = spread(owner)
    alike = all(is_array(v) or is_number(v) for v in values)
    types = [type_of(v) for v in values] if alike else []
    same = {(t.shape, t.dtype) for t in types}
    if not values or len(same) != 1:
        kind = type(owner).__name__
        raise session.needs_python(
            "it indexes a list by the number of the round",
            f"a {kind} of {' and '.join(dict.fromkeys(map(short, values)))} can't be "
            "indexed by a traced int: its elements have to be arrays of one type",
            "stack them into an array, or loop over the list itself",
        )
    return jnp.stack([jnp.asarray(v) for v in values])[index]


def set_item(session: Session, owner: Any, index: Any, value: Any) -> Any:
    """`owner[index] = value`.

    Returns:
        The owner; a new one if it is an array.
    """
    if is_array(owner):
        return _set_array(session, owner, index, value)
    session.check_changed(owner)
    if is_open(owner):
        set_open(session, owner, index, value)
        return owner
    if has_segments(owner):
        owner[:] = spread(owner)
    if isinstance(owner, dict) and is_traced(index):
        refused = traced_key(session, index)
        raise refused
    if isinstance(owner, list) and is_integer(index):
        return _set_picked(session, owner, index, value)
    if is_users(type(owner)) and not isinstance(owner, list | dict):
        call_method(session, owner, "__setitem__", [index, value], {})
    else:
        call_at(session.place, operator.setitem, (owner, index, value))
    return owner


def _set_array(session: Session, owner: Any, index: Any, value: Any) -> Any:
    array = jnp.asarray(owner)
    value = jnp.asarray(value)
    if value.dtype != array.dtype:
        narrows = jnp.issubdtype(value.dtype, jnp.complexfloating)
        if narrows and not jnp.issubdtype(array.dtype, jnp.complexfloating):
            raise TypeError(f"can't store {value.dtype} in an array of {array.dtype}")
        value = value.astype(array.dtype)
    if getattr(index, "dtype", None) == jnp.bool_ and is_traced(index) and index.ndim:
        mask = index.reshape(index.shape + (1,) * (array.ndim - index.ndim))
        if value.ndim <= array.ndim - index.ndim:
            return call_at(session.place, jnp.where, (mask, value, array))
    if isinstance(index, list):
        index = jnp.asarray(index)
    return call_at(session.place, array.at[index].set, (value,))


def _set_picked(session: Session, owner: list[Any], index: Any, value: Any) -> Any:
    where = jnp.where(index < 0, index + len(owner), index)
    for i, old in enumerate(owner):
        if not (
            (is_array(old) or is_number(old)) and (is_array(value) or is_number(value))
        ):
            raise session.error(
                "an element of a list whose number is traced can't be stored: it holds "
                "more than arrays",
                "use an array, or loop over the list itself",
            )
        owner[i] = jnp.where(where == i, value, old)
    return owner
