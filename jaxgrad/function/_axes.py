"""Cotangents with the right varying axes and sharding, inside `shard_map` and on meshes.

A cotangent must vary over exactly the mesh axes that its primal varies on, and on a mesh with
explicit axes it must have the primal's sharding. A backward can't know either: it is written
once, for every mesh. So each gradient is brought to its primal's type (`conform`), and the
zeros that stand for absent cotangents are made in it (`zeros`).
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import _compat


def conform(cotangent: jax.Array, aval: Any) -> jax.Array:
    """`cotangent` with the varying axes and the sharding of the primal type `aval`.

    Args:
        cotangent: a gradient with the primal's shape.
        aval: the primal's type, as `jax.typeof` gives it.

    Returns:
        The cotangent, summed over the axes that the primal does not vary on.
    """
    have = _compat.varying_axes(jax.typeof(cotangent))
    want = _compat.varying_axes(aval)
    if have != want:
        if have - want:
            cotangent = jax.lax.psum(cotangent, tuple(sorted(have - want)))
        if want - have:
            cotangent = jax.lax.pcast(cotangent, tuple(sorted(want - have)), to="varying")
    sharding = _compat.explicit_sharding(aval)
    if sharding is not None and jax.typeof(cotangent).sharding != sharding:
        cotangent = jax.reshard(cotangent, sharding.spec)
    return cotangent


def zeros(aval: Any) -> jax.Array:
    """Zeros of the type `aval`."""
    return conform(jnp.zeros(aval.shape, aval.dtype), aval)


def share(cotangents: Sequence[Any]) -> list[Any]:
    """Cotangents that all vary over the same axes.

    Where outputs vary differently, an invariant cotangent is handed to every shard as an equal
    share: a backward that mixes them then sums to the right gradient.
    """
    varying = [
        _compat.varying_axes(jax.typeof(c)) if c is not None else None for c in cotangents
    ]
    every = frozenset().union(*(v for v in varying if v))
    if not every:
        return list(cotangents)
    return [
        c if v is None or not every - v else _spread(c, tuple(sorted(every - v)))
        for c, v in zip(cotangents, varying, strict=True)
    ]


def _spread(cotangent: jax.Array, axes: tuple[str, ...]) -> jax.Array:
    shares = cotangent / jax.lax.axis_size(axes)
    return jax.lax.pcast(shares.astype(cotangent.dtype), axes, to="varying")
