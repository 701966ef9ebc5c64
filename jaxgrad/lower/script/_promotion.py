"""The type of an array that may be of either of two types."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def joined_type(x: Any, y: Any) -> Any:
    """The type of values that may be of either; None if there is none.

    Args:
        x: the type of one.
        y: that of the other.

    Returns:
        The type. Weak types, those of Python's numbers, promote, and so do bools
        without dimensions; of two other dtypes neither does.
    """
    if x.shape != y.shape:
        return None
    if x.dtype == y.dtype:
        return x if not x.weak_type else y
    numbers = [_kind(x), _kind(y)]
    if None in numbers or not (_is_weak(x) or _is_weak(y)):
        return None
    given = _sample(x), _sample(y)
    dtype, weak = jax.dtypes.result_type(*given, return_weak_type_flag=True)
    like = next((t for t in (x, y) if t.dtype == dtype), x)
    return like.update(dtype=dtype, weak_type=weak)


def _sample(aval: Any) -> Any:
    """What `jnp.result_type` is asked about."""
    if aval.weak_type:
        return {"i": 0, "f": 0.0, "c": 0j}[_kind(aval)]
    return aval.dtype


def _is_weak(aval: Any) -> bool:
    return aval.weak_type or (aval.dtype == jnp.bool_ and not aval.shape)


def _kind(aval: Any) -> Any:
    for kind, family in (
        ("b", jnp.bool_),
        ("i", jnp.integer),
        ("f", jnp.floating),
        ("c", jnp.complexfloating),
    ):
        if jax.dtypes.issubdtype(aval.dtype, family):
            return kind
    return None
